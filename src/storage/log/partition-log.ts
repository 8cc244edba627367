// One partition's log: the ordered batches of a topic partition. Appends are synchronous and go to
// the page cache; flush() makes them durable; reads near the end come from memory. What a segment,
// the loader, the flusher and the readers know is in their own files: here it is put in order.
//
// Invariants: offsets from logStartOffset up to logEndOffset are dense unless compaction made
// gaps; an append that throws leaves no trace; recoveryPoint is on disk; during a truncation
// nothing else changes the log: appends are refused, all else waits for its end.

import { type Io, IoError } from '../../io/index.ts';
import { type BatchHeader, KafkaError } from '../../protocol/index.ts';
import {
  type CleaningRequest,
  type CleaningResult,
  CleaningSlot,
  type DirtyBounds,
  type DirtyRange,
  dirtyRangeOf,
  ReplacementFailed,
} from '../cleaner/index.ts';
import { isLoss, isShortage } from '../files/shortage.ts';
import { storageError } from '../files/storage-error.ts';
import type { ProducerStates, ProducerUpdates } from '../producers/producer-states.ts';
import { loadLog } from '../recovery/log-loader.ts';
import type { Segment } from '../segment/segment.ts';
import { assertFitsSegment, needsNewSegment, partsOfSegments } from '../segment/segment-roll.ts';
import { SegmentsInDoubt } from '../segment/segments-in-doubt.ts';
import {
  type AppendResult,
  appendedResult,
  duplicateResult,
  type LeaderAppend,
} from './append-result.ts';
import type { LeaderEpochCache } from './leader-epoch-cache.ts';
import {
  asStoredMagic,
  assertInOrder,
  assignOffsets,
  completeBatches,
  validateForLeader,
} from './leader-validation.ts';
import type { LogConfig } from './log-config.ts';
import { FlushPolicy, LogFlusher } from './log-flusher.ts';
import type { PartitionLogOptions } from './log-options.ts';
import {
  findByTimestamp,
  findMaxTimestamp,
  type LogRead,
  type ReadOptions,
  readLog,
  type TimestampOffset,
} from './log-reads.ts';
import { deleteBefore, retainLog } from './log-retention.ts';
import { LogState } from './log-state.ts';
import { scanFrom, syncForClose, syncLog } from './log-sync.ts';
import { restartLog, truncateLog } from './log-truncation.ts';
import { TruncationPostponed, TruncationSlot } from './truncation-slot.ts';

export class PartitionLog {
  readonly topic: string;
  readonly partition: number;
  readonly #io: Io;
  readonly #log: LogState;
  readonly #flusher: LogFlusher;
  readonly #flushPolicy: FlushPolicy;
  readonly #options: PartitionLogOptions;
  readonly #cleaning: CleaningSlot;
  /** While there is one nothing is appended; what is asked for otherwise waits. */
  readonly truncations = new TruncationSlot();
  #status: 'open' | 'closed' | 'failed' = 'open';

  private constructor(io: Io, options: PartitionLogOptions, log: LogState, recoveryPoint: number) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.#io = io;
    this.#log = log;
    this.#options = options;
    this.#cleaning = new CleaningSlot(io, log, async () => {
      // A snapshot of the producers may be behind where no batch is.
      await (log.snapshots.isBehind ? this.#flusher.flush(Number.POSITIVE_INFINITY) : this.flush());
      await options.checkpoint?.();
    });
    const target = {
      get logEndOffset() {
        return log.logEndOffset;
      },
      sync: () => this.#sync(),
      scanFrom: () => scanFrom(log),
      onSyncFailure: (error: unknown) => this.#fail(error),
    };
    this.#flusher = new LogFlusher(target, recoveryPoint, options.checkpoint);
    this.#flushPolicy = new FlushPolicy(io.clock);
  }

  /** Opens the log, recovering it if need be; creates it if the folder is empty or not there. */
  static async open(io: Io, options: PartitionLogOptions): Promise<PartitionLog> {
    io.disk.makeDirectory(options.directory);
    const loaded = await loadLog(io, options);
    const state = new LogState(io, loaded, options);
    const log = new PartitionLog(io, options, state, loaded.recoveryPoint);
    // What a killed process left in the page cache is served again: as synced, only once it is.
    const isDue = log.logEndOffset - log.recoveryPoint >= options.config.flushMessages;
    if (isDue || loaded.hasUntoldGaps) await log.flush();
    return log;
  }

  get directory(): string {
    return this.#log.directory;
  }

  get config(): LogConfig {
    return this.#log.config;
  }

  get logStartOffset(): number {
    return this.#log.logStartOffset;
  }

  get logEndOffset(): number {
    return this.#log.logEndOffset;
  }

  /** False when records at the beginning of the first segment were deleted. */
  get startsAtSegment(): boolean {
    return this.#log.logStartOffset === this.#log.segments[0]?.baseOffset;
  }

  /** Everything before it is durable. */
  get recoveryPoint(): number {
    return this.#flusher.recoveryPoint;
  }

  get sizeBytes(): number {
    return this.#log.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  get segmentCount(): number {
    return this.#log.segments.length;
  }

  get leaderEpochs(): LeaderEpochCache {
    return this.#log.epochs;
  }

  /**
   * First offset of the oldest open transaction, else the end of the log; not bounded by the high
   * watermark. Readers are bounded by lastStableOffsetBelow().
   */
  get lastStableOffset(): number {
    return this.#log.producers.firstOpenOffset ?? this.#log.logEndOffset;
  }

  /**
   * What read_committed consumers may see up to: a transaction stays undecided until its marker
   * is below the high watermark, which never goes back.
   */
  lastStableOffsetBelow(highWatermark: number): number {
    const first = this.#log.producers.firstUnstableOffset(highWatermark);
    if (first === null) return highWatermark;
    return Math.min(Math.max(first, this.#log.logStartOffset), highWatermark);
  }

  /** The idempotent and transactional producers that are remembered. */
  get producers(): ProducerStates {
    return this.#log.producers;
  }

  configure(config: LogConfig): void {
    this.#log.config = config;
    if (!config.cleanupPolicy.includes('compact')) void this.#cleaning.stop();
  }

  /**
   * Appends the batches of a produce request under new offsets. Base offsets, leader epochs and
   * times are written into the buffer given, which belongs to the log from then on.
   *
   * @throws KafkaError for what a client did wrong; KAFKA_STORAGE_ERROR; LogTruncating
   */
  appendAsLeader(records: Buffer, options: LeaderAppend): AppendResult {
    this.#assertWritable();
    const { leaderEpoch, timestampNow, origin = 'client', transactionVersion } = options;
    const { config, logEndOffset: nextOffset } = this.#log;
    const topicPartition = `${this.topic}-${this.partition}`;
    const rules = { config, origin, timestampNow, topicPartition };
    const { bytes, batches } = validateForLeader(asStoredMagic(records), rules);
    if (origin === 'client') {
      for (const batch of batches) {
        const known = batch.producerId < 0 ? null : this.#log.producers.findDuplicate(batch);
        if (known !== null) return duplicateResult(this.#log, known);
      }
    }
    if (options.verification !== undefined) {
      for (const batch of batches) this.#log.producers.assertVerified(batch, options.verification);
    }
    assertFitsSegment(bytes, config);
    const isLogAppendTime = config.messageTimestampType === 'LogAppendTime';
    const logAppendTimeMs = isLogAppendTime ? timestampNow : -1;
    const assigned = assignOffsets(bytes, batches, { nextOffset, leaderEpoch, logAppendTimeMs });
    const updates = this.#log.producers.prepare(origin, timestampNow, transactionVersion);
    this.#append(bytes, assigned, updates);
    return this.#result(assigned, logAppendTimeMs);
  }

  /** Appends batches that a leader sent, as they are. @throws as appendAsLeader */
  appendAsFollower(records: Buffer): AppendResult {
    this.#assertWritable();
    const batches = completeBatches(records);
    assertInOrder(batches, this.#log.logEndOffset, `${this.topic}-${this.partition}`);
    for (const part of partsOfSegments(records, batches, this.#log.config)) {
      const updates = this.#log.producers.prepare('replication', this.#io.clock.now());
      this.#append(part.bytes, part.batches, updates);
    }
    return this.#result(batches, -1);
  }

  #append(bytes: Buffer, batches: readonly BatchHeader[], updates: ProducerUpdates): void {
    const { baseOffset } = batches[0] as BatchHeader;
    const nextOffset = (batches.at(-1) as BatchHeader).lastOffset + 1;
    for (const batch of batches) updates.append(bytes, batch);
    const segment = needsNewSegment(this.#log, bytes, batches) ? this.#roll() : this.#log.active;
    try {
      segment.append(bytes, batches, this.#log.config);
    } catch (error) {
      // It may be an accident; when the disk is gone a sync fails too, and says so.
      if (error instanceof IoError && !isShortage(error)) this.#flushAside('an append failed');
      throw storageError(error);
    }
    this.#log.tail.append(bytes, baseOffset, nextOffset);
    this.#log.logEndOffset = nextOffset;
    this.#log.isModified = true;
    const aborted = this.#log.producers.commit(updates);
    for (const { partitionLeaderEpoch, baseOffset } of batches) {
      if (partitionLeaderEpoch > this.#log.epochs.latestEpoch) {
        this.#log.epochs.assign(partitionLeaderEpoch, baseOffset);
      }
    }
    try {
      segment.addAborted(aborted);
    } catch (error) {
      // The marker is in the log and its index entry is not: readers would see aborted records.
      this.#fail(error);
      throw storageError(error);
    }
  }

  /** A failed sync is reported by onFailure; a full disk is tried again by the next flush. */
  #flushAside(why: string): void {
    this.#flusher.flush(Number.POSITIVE_INFINITY).catch((error: unknown) => {
      if (!(error instanceof KafkaError)) throw error;
      const { topic, partition } = this;
      this.#io.log.warn(why, { topic, partition, because: error.message });
    });
  }

  #result(batches: readonly BatchHeader[], logAppendTimeMs: number): AppendResult {
    return appendedResult(this.#log, batches, { logAppendTimeMs, policy: this.#flushPolicy });
  }

  /** Starts a new segment if the active one is old enough; not while the log is truncated. */
  maybeRoll(nowMs: number): boolean {
    this.#assertUsable();
    if (this.truncations.current !== null) return false;
    const isDue = this.#log.active.isExpired(nowMs, this.#log.config);
    if (isDue) this.#roll();
    return isDue;
  }

  /** The old segment's indexes and the producers' snapshot are written by the flush it starts. */
  #roll(): Segment {
    const { logEndOffset, snapshots, producers } = this.#log;
    try {
      this.#log.addSegment();
    } catch (error) {
      throw this.#refused(error);
    }
    snapshots.take(logEndOffset, producers.fullSnapshot());
    this.#flushAside('flush after roll failed');
    return this.#log.active;
  }

  /** Resolves when everything before the offset is durable, files and directory entries. */
  flush(upTo: number = this.#log.logEndOffset): Promise<void> {
    if (this.#status !== 'open') return Promise.reject(this.#unusable());
    return this.#flusher.flush(Math.min(upTo, this.#log.logEndOffset));
  }

  isFlushDue(nowMs: number): boolean {
    return this.#flushPolicy.isDue(nowMs, this.#log.config);
  }

  async #sync(): Promise<void> {
    this.#flushPolicy.onFlush();
    await syncLog(this.#log, this.#flusher.recoveryPoint);
  }

  /**
   * Whole batches from the one that has the offset on. Answers at once if they are in memory.
   *
   * @throws KafkaError OFFSET_OUT_OF_RANGE, at once
   */
  read(offset: number, bytesMax: number, options: ReadOptions): LogRead | Promise<LogRead> {
    this.#assertUsable();
    return readLog(this.#log, offset, {
      bytesMax,
      upperBound: Math.min(options.upperBound, this.#log.logEndOffset),
      atLeastOneBatch: options.atLeastOneBatch,
      abortedTransactions: options.abortedTransactions ?? false,
    });
  }

  /** The first record whose timestamp is not before the one given; null if there is none. */
  async offsetForTimestamp(timestampMs: number): Promise<TimestampOffset | null> {
    this.#assertUsable();
    return await findByTimestamp(this.#log, timestampMs);
  }

  /** The first record that has the largest timestamp; null if the log has none. */
  async offsetOfMaxTimestamp(): Promise<TimestampOffset | null> {
    this.#assertUsable();
    return await findMaxTimestamp(this.#log);
  }

  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.#log.epochs.endOffsetFor(epoch, this.#log.logEndOffset);
  }

  /** This replica leads from logEndOffset on under the epoch. */
  assignLeaderEpoch(epoch: number): void {
    const { epochs, logEndOffset } = this.#log;
    if (epoch > epochs.latestEpoch) epochs.assign(epoch, logEndOffset);
  }

  /** Keeps what is before the offset, up to a batch boundary: read logEndOffset afterwards. */
  async truncateTo(offset: number): Promise<void> {
    await this.#truncating(() => truncateLog(this.#log, this.#flusher, offset));
  }

  /** Drops everything and goes on at the offset. Both: @throws TruncationPostponed, KafkaError */
  async truncateFullyAndStartAt(offset: number): Promise<void> {
    await this.#truncating(() => restartLog(this.#log, this.#flusher, offset));
  }

  #truncating(truncate: () => Promise<void>): Promise<void> {
    return this.truncations.run(async () => {
      this.#assertUsable();
      try {
        await this.#cleaning.stop();
        await truncate();
        await this.#options.checkpoint?.();
      } catch (error) {
        // Half of it may have happened: only a recovery can say what is there.
        if (!(error instanceof TruncationPostponed)) this.#fail(error);
        throw storageError(error);
      }
    });
  }

  /**
   * Readers no longer see what is before the offset, nor after a crash when this resolves; whole
   * segments of it are deleted.
   *
   * @throws KafkaError OFFSET_OUT_OF_RANGE behind the end of the log, KAFKA_STORAGE_ERROR
   */
  async deleteRecordsBefore(offset: number): Promise<void> {
    await this.#changing(() => {
      const options = { isCleaning: this.#cleaning.isBusy, checkpoint: this.#options.checkpoint };
      return deleteBefore(this.#log, offset, options);
    });
  }

  #changing<T>(change: () => Promise<T>): Promise<T> {
    return this.truncations.after(async () => {
      this.#assertUsable();
      try {
        return await change();
      } catch (error) {
        throw this.#refused(error);
      }
    });
  }

  /** A change of the files failed: unless that says nothing against them, no more is believed. */
  #refused(error: unknown): unknown {
    if (error instanceof SegmentsInDoubt || isLoss(error)) this.#fail(error);
    return storageError(error);
  }

  /** Where the last cleaning ended; null if there was none, for all we know. */
  get cleanedTo(): number | null {
    return this.#log.cleanedTo;
  }
  set cleanedTo(offset: number | null) {
    this.#log.cleanedTo = offset;
  }

  /** What a cleaning would look at, and how badly the log needs it. */
  dirtyRange(bounds: DirtyBounds): DirtyRange {
    return dirtyRangeOf(this.#log, bounds);
  }

  /**
   * Keeps the last record of every key of the dirty part, beside appends and reads. null if there
   * is nothing to clean. What it throws leaves the log whole, and failed if that is in doubt.
   *
   * @throws CleaningStopped, ReplacementFailed, IoError, KafkaError CORRUPT_MESSAGE or
   *   KAFKA_STORAGE_ERROR
   */
  async clean(request: CleaningRequest): Promise<CleaningResult | null> {
    this.#assertUsable();
    try {
      return await this.#cleaning.clean(request, this.truncations.current);
    } catch (error) {
      if (error instanceof ReplacementFailed) this.#fail(error);
      throw error;
    }
  }

  /** Resolves when no cleaning is under way. */
  async stopCleaning(): Promise<void> {
    await this.#cleaning.stop();
  }

  /**
   * Deletes segments by retention.ms and retention.bytes; returns how many.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  async applyRetention(nowMs: number, highWatermark: number): Promise<number> {
    const bounds = { nowMs, highWatermark };
    return await this.#changing(async () =>
      this.#cleaning.isBusy ? 0 : await retainLog(this.#log, bounds, () => this.#roll()),
    );
  }

  /** Forgets producers that were idle for producer.id.expiration.ms; a truncation does so, too. */
  expireProducers(nowMs: number): void {
    if (this.truncations.current !== null) return;
    this.#log.producers.expire(nowMs, this.#log.config.producerIdExpirationMs);
  }

  /**
   * Makes everything durable, so that the next start need not scan.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR if that failed: the next start must recover
   */
  async close(): Promise<void> {
    if (this.#status === 'closed') return;
    try {
      if (this.#status === 'failed') throw this.#unusable();
      this.#status = 'closed';
      if (this.truncations.current !== null) await this.truncations.current;
      if (this.#log.isModified) await this.#flushForClose();
    } finally {
      this.abandon();
    }
  }

  async #flushForClose(): Promise<void> {
    try {
      // A round that is under way ends first; after ours no other one begins.
      await this.#flusher.flush(Number.POSITIVE_INFINITY);
      await syncForClose(this.#log, this.#flusher.recoveryPoint);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Closes the files as they are. */
  abandon(): void {
    this.#status = 'closed';
    this.#log.abandon();
    for (const segment of this.#log.segments) segment.close();
    this.#log.tail.clear();
  }

  /** Closes the files and removes the folder at once. */
  async remove(): Promise<void> {
    this.abandon();
    await this.#io.disk.remove(this.directory);
  }

  #fail(error: unknown): void {
    if (this.#status !== 'open') return;
    this.#status = 'failed';
    void this.#cleaning.stop();
    this.#options.onFailure?.(error as Error);
  }

  #assertUsable(): void {
    if (this.#status !== 'open') throw this.#unusable();
  }

  #assertWritable(): void {
    this.#assertUsable();
    this.truncations.assertNone(this.directory);
  }

  #unusable(): KafkaError {
    return new KafkaError('KAFKA_STORAGE_ERROR', `the log ${this.directory} is ${this.#status}`);
  }
}
