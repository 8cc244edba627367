// Opens what is on disk. After a clean stop nothing is read but a few small files. Otherwise every
// segment that reaches past the recovery point is scanned: the log ends before the first batch
// that is torn, zeroed, out of order or has a wrong CRC, whatever segments follow; indexes,
// aborted transactions, producers and epochs are rebuilt from what was scanned.

import { assert } from '../base/assert.ts';
import type { Io } from '../io/index.ts';
import { isBatchCrcValid } from '../protocol/index.ts';
import { readEpochCheckpoint } from './checkpoint-file.ts';
import { LeaderEpochCache } from './leader-epoch-cache.ts';
import type { LogConfig } from './log-config.ts';
import { tidyLogFolder } from './log-folder.ts';
import type { LogResources } from './log-resources.ts';
import { scanBatches } from './log-scan.ts';
import { isMappedByKafka } from './mapped-index.ts';
import { assertNoOldMessage } from './old-messages.ts';
import { replayProducers } from './producer-replay.ts';
import { ProducerSnapshots } from './producer-snapshots.ts';
import { ProducerStates } from './producer-states.ts';
import { Segment } from './segment.ts';

export const EPOCH_CHECKPOINT = 'leader-epoch-checkpoint';

export interface LoadOptions {
  readonly directory: string;
  readonly config: LogConfig;
  readonly wasCleanShutdown: boolean;
  readonly recoveryPoint?: number | undefined;
  readonly logStartOffset?: number | undefined;
  /** Where the last cleaning ended. */
  readonly cleanedTo?: number | undefined;
  readonly resources: LogResources;
}

export interface LoadedLog {
  /** At least one, ascending. */
  readonly segments: Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly recoveryPoint: number;
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerStates;
  readonly snapshots: ProducerSnapshots;
  /** There may be gaps above the recovery point: the next start would take them for losses. */
  readonly hasUntoldGaps: boolean;
  /** The folder held no segment. */
  readonly isNew: boolean;
}

export async function loadLog(io: Io, options: LoadOptions): Promise<LoadedLog> {
  return await new LogLoader(io, options).load();
}

type SegmentOptions = Pick<LoadOptions, 'directory' | 'config' | 'resources'>;

/** @param state the last part of the files' names, '' for a segment of the log */
export function createSegment(
  io: Io,
  options: SegmentOptions,
  baseOffset: number,
  state = '',
): Segment {
  const segment = openSegment(io, options, { baseOffset, sizeBytes: 0, state });
  segment.create();
  return segment;
}

export function openSegment(
  io: Io,
  options: SegmentOptions,
  file: { baseOffset: number; sizeBytes: number; state?: string },
): Segment {
  const { directory, resources, config } = options;
  const jitterMax = Math.min(config.segmentJitterMs, config.segmentMs);
  const rollJitterMs = jitterMax > 0 ? io.random.int(jitterMax) : 0;
  const openedMs = io.clock.now();
  return new Segment({ directory, resources, ...file, rollJitterMs, openedMs });
}

class LogLoader {
  readonly #io: Io;
  readonly #options: LoadOptions;
  readonly #log: Io['log'];
  readonly #epochs: LeaderEpochCache;
  readonly #producers = new ProducerStates();
  #segments: Segment[] = [];
  #snapshots!: ProducerSnapshots;
  #logStartOffset = 0;
  #logEndOffset = 0;
  /** The log may have gaps anywhere: the recovery point says nothing about them. */
  #isBlind = false;
  #hasUntoldGaps = false;

  constructor(io: Io, options: LoadOptions) {
    this.#io = io;
    this.#options = options;
    this.#log = io.log.child('storage');
    this.#epochs = new LeaderEpochCache(
      readEpochCheckpoint(io.disk, `${options.directory}/${EPOCH_CHECKPOINT}`),
    );
  }

  async load(): Promise<LoadedLog> {
    const { directory, wasCleanShutdown } = this.#options;
    const folder = await tidyLogFolder(this.#io.disk, this.#options.resources.files, directory);
    this.#snapshots = new ProducerSnapshots(this.#io.disk, directory, folder.snapshotOffsets);
    this.#segments = folder.logs.map((file) => openSegment(this.#io, this.#options, file));
    await this.#snapshots.removeStrays(this.#segments.map(({ baseOffset }) => baseOffset));
    const isNew = this.#segments.length === 0;
    const first = this.#segments[0]?.baseOffset ?? 0;
    this.#logStartOffset = Math.max(first, this.#options.logStartOffset ?? 0);
    // Until a recovery says otherwise.
    for (const segment of this.#segments) segment.areIndexesDurable = true;
    if (isNew) this.#restartAt(this.#logStartOffset);
    else if (!wasCleanShutdown || !(await this.#openClean())) await this.#recover();
    if (this.#logEndOffset < this.#logStartOffset) await this.#restartBehindStart();
    this.#epochs.truncateFromEnd(this.#logEndOffset);
    this.#epochs.truncateFromStart(this.#logStartOffset);
    await this.#snapshots.removeAfter(this.#logEndOffset);
    return {
      segments: this.#segments,
      logStartOffset: this.#logStartOffset,
      logEndOffset: this.#logEndOffset,
      recoveryPoint: wasCleanShutdown
        ? this.#logEndOffset
        : Math.min(this.#options.recoveryPoint ?? 0, this.#logEndOffset),
      epochs: this.#epochs,
      producers: this.#producers,
      snapshots: this.#snapshots,
      hasUntoldGaps: this.#hasUntoldGaps,
      isNew,
    };
  }

  /** False if what is there does not look like the work of a clean stop. */
  async #openClean(): Promise<boolean> {
    const active = this.#segments.at(-1) as Segment;
    const { recoveryPoint } = this.#options;
    if (active.sizeBytes === 0) {
      this.#logEndOffset = active.baseOffset;
    } else {
      // The stop took a snapshot where the log ends.
      const taken = this.#snapshots.latestOffset;
      const isKnown = taken !== null && taken > active.baseOffset;
      if (!isKnown) return await this.#scanTail(active);
      this.#logEndOffset = taken;
    }
    if (recoveryPoint !== undefined && recoveryPoint !== this.#logEndOffset) {
      return await this.#scanTail(active);
    }
    await this.#replayProducers(this.#logEndOffset);
    return true;
  }

  /** Finds the log's end behind the last index entry. */
  async #scanTail(active: Segment): Promise<boolean> {
    const from = active.tryLoadIndexes()?.offsets.lastPosition ?? 0;
    let end = active.baseOffset;
    const range = { from, end: active.sizeBytes };
    const scanned = await scanBatches(active.log, range, ({ header }) => {
      if (header.baseOffset < end) return 'its offset is out of order';
      end = header.lastOffset + 1;
      return true;
    });
    if (scanned.problem !== null) return false;
    this.#logEndOffset = end;
    await this.#replayProducers(end);
    return true;
  }

  async #recover(): Promise<void> {
    const recoveryPoint = Math.max(this.#options.recoveryPoint ?? 0, this.#logStartOffset);
    const active = this.#segments.at(-1) as Segment;
    const { cleanupPolicy, indexBytesMax } = this.#options.config;
    this.#isBlind =
      cleanupPolicy.includes('compact') &&
      (this.#options.recoveryPoint === undefined ||
        isMappedByKafka(this.#io.disk, active, indexBytesMax));
    this.#hasUntoldGaps = this.#isBlind;
    // The segment that ends at the recovery point may lack its indexes.
    let at = this.#segments.findLastIndex((segment) => segment.baseOffset < recoveryPoint);
    at = Math.max(0, at);
    const start = (this.#segments[at] as Segment).baseOffset;
    await this.#replayProducers(start);
    // From there on the batches say it, not a file that may be older than a truncation.
    this.#epochs.truncateFromEnd(start);
    let end = start;
    for (; at < this.#segments.length; at++) {
      const segment = this.#segments[at] as Segment;
      if (segment.baseOffset !== end && !this.#mayHaveGap(segment, end)) {
        await this.#cut(at, `it starts at ${segment.baseOffset} and the one before ends at ${end}`);
        break;
      }
      // It remembers batches that compaction has taken out of the segments before.
      const isDurable = segment.baseOffset === recoveryPoint;
      if (isDurable && this.#snapshots.has(recoveryPoint)) {
        await this.#replayProducers(recoveryPoint);
      }
      const { endOffset, problem } = await this.#recoverSegment(segment);
      end = endOffset;
      if (problem !== null) {
        await this.#cut(at + 1, `the segment before ends early: ${problem}`);
        break;
      }
    }
    this.#logEndOffset = end;
  }

  /**
   * Compaction leaves gaps, also in a log that is not compacted any more, but only below what was
   * durable (log-cleaning.ts): behind it a gap is what a power cut took of the segment before, and
   * what follows must go, or a producer's retry of the lost batch would pass for a duplicate.
   * A compacted log is believed where no checkpoint tells, or Kafka's, which tells nothing of gaps:
   * its cleaner does not wait for it, and its followers begin segments behind gaps.
   */
  #mayHaveGap(segment: Segment, end: number): boolean {
    const { cleanedTo = 0, recoveryPoint = 0 } = this.#options;
    if (segment.baseOffset < end) return false;
    if (segment.baseOffset <= recoveryPoint) return true;
    const isBelieved = this.#isBlind || segment.baseOffset <= cleanedTo;
    if (isBelieved) this.#hasUntoldGaps = true;
    return isBelieved;
  }

  async #recoverSegment(segment: Segment): Promise<{ endOffset: number; problem: string | null }> {
    const { config } = this.#options;
    let endOffset = segment.baseOffset;
    segment.areIndexesDurable = false;
    segment.beginRebuild();
    segment.clearAborted();
    const range = { from: 0, end: segment.sizeBytes };
    const scanned = await scanBatches(segment.log, range, ({ header, buffer, position }) => {
      if (header.baseOffset < endOffset) return `offset ${header.baseOffset} is out of order`;
      if (!isBatchCrcValid(buffer, header)) return 'a batch has a wrong CRC';
      endOffset = header.lastOffset + 1;
      segment.indexScanned(header, position, config);
      if (
        header.partitionLeaderEpoch >= 0 &&
        header.partitionLeaderEpoch > this.#epochs.latestEpoch
      )
        this.#epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
      if (header.producerId >= 0) {
        const updates = this.#producers.prepare('replication');
        updates.append(buffer, header);
        segment.addAborted(this.#producers.commit(updates));
      }
      return true;
    });
    if (scanned.position < segment.sizeBytes) {
      await assertNoOldMessage(segment.log, scanned, segment.sizeBytes);
      this.#log.warn('a log was not closed cleanly: its torn tail is cut off', {
        file: segment.log.path,
        keptBytes: scanned.position,
        cutBytes: segment.sizeBytes - scanned.position,
        because: scanned.problem,
      });
      segment.log.truncate(scanned.position);
      segment.sizeBytes = scanned.position;
    }
    // The sign of a killed Kafka stays until there is a checkpoint that makes up for it.
    if (!this.#isBlind || segment !== this.#segments.at(-1)) segment.writeIndexes();
    // Ten thousand logs that are scanned need no descriptor each.
    segment.log.close();
    return { endOffset, problem: scanned.problem };
  }

  /** Removes the segments from the one given on, which cannot follow what is before them. */
  async #cut(from: number, because: string): Promise<void> {
    for (const segment of this.#segments.splice(Math.max(1, from))) {
      this.#log.warn('a segment behind a torn tail is removed', {
        file: segment.log.path,
        because,
      });
      for (const path of segment.markDeleted()) await this.#io.disk.remove(path);
    }
    assert(this.#segments.length > 0, 'a log keeps its first segment');
  }

  async #replayProducers(endOffset: number): Promise<void> {
    await replayProducers({
      producers: this.#producers,
      snapshots: this.#snapshots,
      segments: this.#segments,
      logStartOffset: this.#logStartOffset,
      endOffset,
      nowMs: this.#io.clock.now(),
      expirationMs: this.#options.config.producerIdExpirationMs,
    });
  }

  /** What was lost reaches below the log's start: nothing that is left may be read. */
  async #restartBehindStart(): Promise<void> {
    for (const segment of this.#segments) {
      for (const path of segment.markDeleted()) await this.#io.disk.remove(path);
    }
    this.#producers.clear();
    this.#restartAt(this.#logStartOffset);
  }

  #restartAt(offset: number): void {
    this.#segments = [createSegment(this.#io, this.#options, offset)];
    this.#logEndOffset = offset;
  }
}
