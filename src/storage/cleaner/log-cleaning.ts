// One cleaning of one log: the map over its dirty part, then group by group what is kept of all
// that lies before the map's end. Appends and reads go on; whoever truncates the log stops it.
//
// Invariants: after every group the log is whole, so that a cleaning may end at any time; only the
// checkpoint tells that it came to its end. There are gaps only below the recovery point on disk,
// and what their batches told of producers is in a snapshot on disk.

import type { Io } from '../../io/index.ts';
import type { LogState } from '../log/log-state.ts';
import { replayProducers } from '../producers/producer-replay.ts';
import { ProducerStates } from '../producers/producer-states.ts';
import { CLEANED_SUFFIX, parseLogFileName } from '../segment/log-files.ts';
import { buildOffsetMap } from './build-offset-map.ts';
import {
  type CleaningCounts,
  type CleaningWork,
  cleanGroup,
  groupSegments,
} from './clean-group.ts';
import { CleanedTransactions } from './cleaned-transactions.ts';
import { CleaningPace } from './cleaning-pace.ts';
import { type DirtyRange, dirtyRangeOf } from './dirty-range.ts';
import { OffsetMap } from './offset-map.ts';
import { ReadBuffer } from './read-segment.ts';
import { CleaningStopped } from './replace-segments.ts';

export interface CleaningRequest {
  /** First offset of the oldest undecided transaction, else the high watermark. */
  readonly lastStableOffset: number;
  /** Memory for keys; what does not fit waits for the next cleaning (24 bytes a key). */
  readonly dedupeBufferBytes: number;
  /** Share of it that may be used. */
  readonly loadFactor: number;
  /** Memory for batches that are read and written. */
  readonly ioBufferBytes: number;
  /** Asked again and again. */
  readonly bytesPerSecondMax: () => number;
  /** Whether tombstones and markers may go: no while a replica may be without them yet. */
  readonly mayForget: () => boolean;
}

interface CleaningOptions extends CleaningRequest {
  /** The log as it is at the call, and the checkpoint of its recovery point. */
  readonly makeDurable: () => Promise<void>;
  /** What it waits for before it looks at the log. */
  readonly after: Promise<void> | null;
}

export interface CleaningResult extends Readonly<CleaningCounts> {
  /** The dirty part that was cleaned: from here … */
  readonly fromOffset: number;
  /** … to here, which is where the next cleaning begins. */
  readonly endOffset: number;
  readonly mapBytes: number;
}

export class LogCleaning {
  readonly #io: Io;
  readonly #log: LogState;
  readonly #request: CleaningOptions;
  #isStopped = false;
  #running: Promise<CleaningResult | null> | null = null;

  constructor(io: Io, log: LogState, request: CleaningOptions) {
    this.#io = io;
    this.#log = log;
    this.#request = request;
  }

  /**
   * null if there was nothing to clean.
   *
   * @throws CleaningStopped, ReplacementFailed, IoError, KafkaError CORRUPT_MESSAGE or
   *   KAFKA_STORAGE_ERROR; the log is as it was, or cleaned in part, except after ReplacementFailed
   */
  run(): Promise<CleaningResult | null> {
    this.#running ??= this.#clean();
    return this.#running;
  }

  /** Resolves when nothing of the cleaning is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running?.catch(() => undefined);
  }

  async #clean(): Promise<CleaningResult | null> {
    const log = this.#log;
    if (this.#request.after !== null) {
      await Promise.allSettled([this.#request.after]);
      this.#assertGoing();
    }
    const nowMs = this.#io.clock.now();
    const { lastStableOffset } = this.#request;
    const range = dirtyRangeOf(log, { nowMs, lastStableOffset });
    if (range.firstUncleanableOffset <= range.firstDirtyOffset) return null;
    const pace = new CleaningPace(this.#io.clock, {
      bytesPerSecondMax: this.#request.bytesPerSecondMax,
      assertGoing: () => this.#assertGoing(),
    });
    await this.#removeRemains();
    const buffer = new ReadBuffer(Math.floor(this.#request.ioBufferBytes / 2));
    const map = this.#mapFor(range);
    await buildOffsetMap({ log, range, buffer, pace }, map);
    // What they write from now on may not survive a power cut: it makes nothing superfluous.
    const known = log.producers.snapshot();
    const producers = new Map(known.map((each) => [each.producerId, each]));
    await this.#keepProducers(nowMs);
    // A recovery takes a gap for a loss, unless it is below the recovery point (log-loader.ts).
    await this.#request.makeDurable().finally(() => this.#assertGoing());
    const counts: CleaningCounts = {
      bytesRead: 0,
      bytesWritten: 0,
      recordsRead: 0,
      recordsKept: 0,
      recordsKeyless: 0,
      batchesUnreadable: 0,
      firstUnreadable: null,
    };
    const rules = {
      map,
      transactions: new CleanedTransactions(),
      endOffset: range.firstUncleanableOffset,
      nowMs,
      deleteRetentionMs: log.config.deleteRetentionMs,
      mayForget: this.#request.mayForget,
    };
    const endOffset = map.latestOffset + 1;
    const work = { io: this.#io, log, pace, buffer, rules, producers, counts };
    await this.#cleanGroups(work, range, endOffset);
    log.cleanedTo = endOffset;
    const { firstDirtyOffset: fromOffset } = range;
    return { ...counts, fromOffset, endOffset, mapBytes: map.sizeBytes };
  }

  /**
   * The batches are about to tell less of the producers, so that a recovery must find the rest in
   * the snapshot where the active segment begins. The roll took it, but a power cut may have been
   * faster than the flush that writes it.
   */
  async #keepProducers(nowMs: number): Promise<void> {
    const { snapshots, segments, logStartOffset, active, config } = this.#log;
    const endOffset = active.baseOffset;
    if (snapshots.isTaken(endOffset)) return;
    const producers = new ProducerStates();
    const expirationMs = config.producerIdExpirationMs;
    const replay = { producers, snapshots, segments, logStartOffset, endOffset };
    await replayProducers({ ...replay, nowMs, expirationMs });
    this.#assertGoing();
    snapshots.take(endOffset, producers.fullSnapshot());
  }

  /**
   * What a failed cleaning could not remove: a start that finds a `.cleaned` file beside a `.swap`
   * takes that for unfinished, too (log-folder.ts).
   */
  async #removeRemains(): Promise<void> {
    const { directory, io } = this.#log;
    for (const { name } of io.disk.list(directory)) {
      if (parseLogFileName(name)?.state !== CLEANED_SUFFIX) continue;
      await io.disk.remove(`${directory}/${name}`);
      this.#assertGoing();
    }
  }

  async #cleanGroups(work: CleaningWork, range: DirtyRange, endOffset: number): Promise<void> {
    const { segments, config } = work.log;
    const sources = segments.filter(({ baseOffset }) => baseOffset < endOffset);
    for (const group of groupSegments(sources, config, range.firstUncleanableOffset)) {
      this.#assertGoing();
      await cleanGroup(work, group);
    }
  }

  #mapFor(range: DirtyRange): OffsetMap {
    const { dedupeBufferBytes, loadFactor } = this.#request;
    return new OffsetMap({
      bytesMax: dedupeBufferBytes,
      loadFactor: Math.min(Math.max(loadFactor, 0.05), 1),
      keysMax: range.firstUncleanableOffset - range.firstDirtyOffset,
      seed: this.#io.random.bytes(16),
    });
  }

  #assertGoing(): void {
    // Closing a log closes its segments, retention and truncation wait for the cleaning.
    if (this.#isStopped || this.#log.active.isGone) throw new CleaningStopped();
  }
}
