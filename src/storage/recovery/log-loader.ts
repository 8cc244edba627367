// Opens what is on disk. After a clean stop nothing is read but a few small files, and the headers
// of the last batches. Otherwise, and where these do not look like the work of a clean stop, the
// log is recovered (log-recovery.ts).
//
// Invariants: the active segment ends with a whole batch, or is empty; after a clean stop no offset
// is given away again that was in use, whatever was damaged since.

import type { Io } from '../../io/index.ts';
import { DamagedCheckpointError, readEpochCheckpoint } from '../directory/checkpoint-file.ts';
import { LeaderEpochCache } from '../log/leader-epoch-cache.ts';
import type { PartitionLogOptions } from '../log/log-options.ts';
import { type ProducerReplay, replayProducers } from '../producers/producer-replay.ts';
import { ProducerSnapshots } from '../producers/producer-snapshots.ts';
import { ProducerStates } from '../producers/producer-states.ts';
import { TRANSACTION_INDEX_SUFFIX } from '../segment/log-files.ts';
import { createSegment, openSegment } from '../segment/open-segment.ts';
import type { Segment } from '../segment/segment.ts';
import { endsAsLeft } from './clean-end.ts';
import { rebuildEpochs } from './epoch-recovery.ts';
import { LogCuts } from './log-cuts.ts';
import { tidyLogFolder } from './log-folder.ts';
import { LogRecovery } from './log-recovery.ts';
import { offsetProblem, scanBatches } from './log-scan.ts';
import { isTransactionIndexWhole, rebuildTransactionIndex } from './transaction-index-recovery.ts';

export const EPOCH_CHECKPOINT = 'leader-epoch-checkpoint';

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
  /** What leader-epoch-checkpoint holds is of no use. */
  readonly areEpochsRebuilt: boolean;
  /** The folder held no segment. */
  readonly isNew: boolean;
}

export async function loadLog(io: Io, options: PartitionLogOptions): Promise<LoadedLog> {
  return await new LogLoader(io, options).load();
}

class LogLoader {
  readonly #io: Io;
  readonly #options: PartitionLogOptions;
  readonly #log: Io['log'];
  #epochs = new LeaderEpochCache();
  readonly #producers = new ProducerStates();
  #segments: Segment[] = [];
  #snapshots!: ProducerSnapshots;
  #logStartOffset = 0;
  #logEndOffset = 0;
  #hasUntoldGaps = false;

  constructor(io: Io, options: PartitionLogOptions) {
    this.#io = io;
    this.#options = options;
    this.#log = io.log.child('storage');
  }

  async load(): Promise<LoadedLog> {
    const { directory, wasCleanShutdown } = this.#options;
    const folder = await tidyLogFolder(this.#io.disk, this.#options.resources.files, directory);
    this.#snapshots = new ProducerSnapshots(this.#io.disk, directory, folder.snapshotOffsets);
    this.#segments = folder.logs.map((file) => openSegment(this.#io, this.#options, file));
    await this.#snapshots.removeStrays(this.#segments.map(({ baseOffset }) => baseOffset));
    const isNew = this.#segments.length === 0;
    const areEpochsRebuilt = !isNew && !this.#readEpochs();
    if (areEpochsRebuilt) await rebuildEpochs(this.#epochs, this.#segments, this.#countUnscanned());
    const segmentsFound = [...this.#segments];
    const stoppedAt = this.#snapshots.latestOffset;
    const first = this.#segments[0]?.baseOffset ?? 0;
    this.#logStartOffset = Math.max(first, this.#options.logStartOffset ?? 0);
    // Until a recovery says otherwise.
    for (const segment of this.#segments) segment.areIndexesDurable = true;
    if (isNew) this.#restartAt(this.#logStartOffset);
    else if (!wasCleanShutdown || !(await this.#openClean())) await this.#recover();
    await this.#mendTransactionIndexes(segmentsFound, folder.aborting);
    this.#maybeTellLoss();
    if (wasCleanShutdown && !isNew) await this.#maybeGoOnBehindLoss(stoppedAt);
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
      areEpochsRebuilt,
      isNew,
    };
  }

  /** False if leader-epoch-checkpoint is missing or damaged: the batches tell as much. */
  #readEpochs(): boolean {
    const path = `${this.#options.directory}/${EPOCH_CHECKPOINT}`;
    try {
      const entries = readEpochCheckpoint(this.#io.disk, path);
      if (entries === null) return false;
      this.#epochs = new LeaderEpochCache(entries);
      return true;
    } catch (error) {
      if (!(error instanceof DamagedCheckpointError)) throw error;
      this.#log.warn('leader epochs are read from the batches', { because: error.message });
      return false;
    }
  }

  /** How many segments a recovery would not look at. */
  #countUnscanned(): number {
    const { wasCleanShutdown, recoveryPoint = 0 } = this.#options;
    if (wasCleanShutdown) return this.#segments.length;
    const from = Math.max(recoveryPoint, this.#logStartOffset);
    return this.#segments.findLastIndex(({ baseOffset }) => baseOffset < from);
  }

  /** Those that a recovery has not written anew. A damaged one would show aborted records. */
  async #mendTransactionIndexes(
    segments: readonly Segment[],
    aborting: ReadonlySet<number>,
  ): Promise<void> {
    for (const [at, segment] of segments.entries()) {
      if (!aborting.has(segment.baseOffset) || !this.#segments.includes(segment)) continue;
      const end = segments[at + 1]?.baseOffset ?? Number.MAX_SAFE_INTEGER;
      if (isTransactionIndexWhole(this.#io.disk, segment, end)) continue;
      const file = segment.pathOf(TRANSACTION_INDEX_SUFFIX);
      this.#log.warn('a damaged transaction index is read from the batches', { file });
      await rebuildTransactionIndex(segment, this.#replayUpTo(segment.baseOffset));
    }
  }

  /** A truncation lowers the checkpoint before it cuts: what is missing is lost. */
  #maybeTellLoss(): void {
    const { directory, recoveryPoint = 0 } = this.#options;
    if (this.#logEndOffset >= recoveryPoint) return;
    this.#options.onLoss?.();
    const fields = { log: directory, logEndOffset: this.#logEndOffset, recoveryPoint };
    this.#log.error('a log ends before what its checkpoint says was synced', fields);
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
      // Something wrote to it since: its end may be anywhere.
      if (isKnown && this.#isNewerThan(active, taken)) return false;
      // Of a segment behind this one, which is gone.
      const isTooMany = this.#snapshots.countBehind(active.baseOffset) > 1;
      if (!isKnown || isTooMany || !endsAsLeft(this.#io.disk, active, taken)) {
        return await this.#scanTail(active);
      }
      this.#logEndOffset = taken;
    }
    if (recoveryPoint !== undefined && recoveryPoint !== this.#logEndOffset) {
      return await this.#scanTail(active);
    }
    await this.#replayProducers(this.#logEndOffset);
    return true;
  }

  #isNewerThan(active: Segment, snapshotOffset: number): boolean {
    const { disk } = this.#io;
    const written = disk.stat(active.log.path)?.modifiedMs ?? 0;
    return written > this.#snapshots.modifiedMs(snapshotOffset);
  }

  /** Finds the log's end behind the last index entry. */
  async #scanTail(active: Segment): Promise<boolean> {
    const from = active.tryLoadIndexes()?.offsets.lastPosition ?? 0;
    let end = active.baseOffset;
    const range = { from, end: active.sizeBytes };
    const scanned = await scanBatches(active.log, range, ({ header }) => {
      const problem = offsetProblem(header, active.baseOffset, end);
      if (problem !== null) return problem;
      end = header.lastOffset + 1;
      return true;
    });
    if (scanned.problem !== null) return false;
    this.#logEndOffset = end;
    await this.#replayProducers(end);
    return true;
  }

  async #recover(): Promise<void> {
    const recovery = new LogRecovery(this.#io, this.#options, {
      segments: this.#segments,
      epochs: this.#epochs,
      producers: this.#producers,
      logStartOffset: this.#logStartOffset,
      replayProducers: (endOffset) => this.#replayProducers(endOffset),
      hasSnapshot: (offset) => this.#snapshots.has(offset),
    });
    const { logEndOffset, hasUntoldGaps } = await recovery.run();
    this.#logEndOffset = logEndOffset;
    this.#hasUntoldGaps = hasUntoldGaps;
  }

  async #replayProducers(endOffset: number): Promise<void> {
    await replayProducers({ ...this.#replayUpTo(endOffset), producers: this.#producers });
  }

  #replayUpTo(endOffset: number): Omit<ProducerReplay, 'producers'> {
    return {
      snapshots: this.#snapshots,
      segments: this.#segments,
      logStartOffset: this.#logStartOffset,
      endOffset,
      nowMs: this.#io.clock.now(),
      expirationMs: this.#options.config.producerIdExpirationMs,
    };
  }

  /**
   * What a clean stop left is not all there: readers have seen the offsets of what is missing, so
   * that the log goes on behind them. A checkpoint alone is not believed against a log that
   * reaches the snapshot of the stop: a digit of it may be wrong.
   */
  async #maybeGoOnBehindLoss(stoppedAt: number | null): Promise<void> {
    const fromOffset = this.#logEndOffset;
    const toOffset = Math.max(stoppedAt ?? 0, this.#options.recoveryPoint ?? 0);
    if (fromOffset >= (stoppedAt ?? toOffset)) return;
    this.#options.onLoss?.();
    const { directory } = this.#options;
    const empty = this.#segments.filter(({ sizeBytes }) => sizeBytes === 0);
    this.#segments = this.#segments.filter(({ sizeBytes }) => sizeBytes > 0);
    if (this.#segments.length === 0) this.#logStartOffset = toOffset;
    this.#segments.push(createSegment(this.#io, this.#options, toOffset));
    this.#logEndOffset = toOffset;
    await this.#io.disk.syncDirectory(directory);
    await new LogCuts(this.#io, this.#options).removeSegments(empty, 'it is empty');
    // They remember what is lost: a retry of it would pass for known.
    await this.#snapshots.removeAfter(fromOffset);
    const fields = { log: directory, fromOffset, toOffset };
    this.#log.error('the end of a log is missing; it goes on behind it', fields);
  }

  /** What was lost reaches below the log's start: nothing that is left may be read. */
  async #restartBehindStart(): Promise<void> {
    const because = `the log starts at ${this.#logStartOffset}, behind its end`;
    await new LogCuts(this.#io, this.#options).removeSegments(this.#segments, because);
    this.#producers.clear();
    this.#restartAt(this.#logStartOffset);
  }

  #restartAt(offset: number): void {
    this.#segments = [createSegment(this.#io, this.#options, offset)];
    this.#logEndOffset = offset;
  }
}
