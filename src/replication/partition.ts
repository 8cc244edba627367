// One replica of one partition: what this broker is for it (leader or follower), the epoch it is
// that in, who is in sync, and how far consumers may read. It wraps the log: everything that
// wants to append or read goes through here, because here the epochs and the watermark are.
//
// Invariants: the high watermark never goes back while a leader epoch lasts, never passes the log
// end, and never passes bytes for which the topic demands an fsync that has not returned; an
// append happens only as leader and carries the current epoch; nobody waits on a partition that
// can no longer wake him (role change, storage failure and close end every wait).

import { assert } from '../base/assert.ts';
import type { Io, Timer } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import {
  type AppendResult,
  type EndMarker,
  encodeEndMarker,
  type LogRead,
  type PartitionLog,
  type TransactionVerification,
} from '../storage/index.ts';
import { AppendsAhead } from './appends-ahead.ts';
import type { VisibleBytesListener, VisibleBytesSource } from './fetch-waiter.ts';
import { OffsetWaiters } from './offset-waiters.ts';
import {
  isNewer,
  type PartitionIdentity,
  type PartitionState,
  unknownState,
} from './partition-state.ts';
import { ProducerTurns } from './producer-turns.ts';

export interface PartitionOptions extends PartitionIdentity {
  readonly nodeId: number;
  readonly log: PartitionLog;
  /** From replication-offset-checkpoint; consumers saw no further before the restart. */
  readonly highWatermark: number;
}

export type PartitionRole = 'leader' | 'follower' | 'offline';

export interface ReadOptions {
  readonly bytesMax: number;
  readonly isCommittedOnly: boolean;
  /** Return the first batch whole even if it exceeds `bytesMax` (KIP-74). */
  readonly atLeastOneBatch: boolean;
}

/** How long a flush for which there was no room waits for some. */
const flushRetryMs = 1000;

export class Partition implements VisibleBytesSource {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly #io: Io;
  readonly #nodeId: number;
  readonly #highWatermarkWaiters: OffsetWaiters;
  readonly #flushWaiters: OffsetWaiters;
  readonly #listeners = new Set<VisibleBytesListener>();
  /** Keeps transactional batches in order while the first one is verified. */
  readonly turns = new ProducerTurns();
  /** Appends beyond the high watermark. */
  readonly #hidden = new AppendsAhead();
  /** Appends below it that read_committed consumers do not see yet. */
  readonly #undecided = new AppendsAhead();
  #log: PartitionLog;
  #role: PartitionRole = 'follower';
  #state: PartitionState = unknownState;
  #highWatermark: number;
  /** Records below this offset must be on the platter before they count as written. */
  #flushDueOffset = 0;
  #isFlushing = false;
  #flushRetry: Timer | null = null;

  constructor(io: Io, options: PartitionOptions) {
    this.#io = io;
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.partition = options.partition;
    this.#log = options.log;
    this.#nodeId = options.nodeId;
    this.#highWatermarkWaiters = new OffsetWaiters(io.clock);
    this.#flushWaiters = new OffsetWaiters(io.clock);
    this.#highWatermark = Math.min(
      Math.max(options.highWatermark, this.log.logStartOffset),
      this.log.logEndOffset,
    );
  }

  get log(): PartitionLog {
    return this.#log;
  }

  get role(): PartitionRole {
    return this.#role;
  }

  get isLeader(): boolean {
    return this.#role === 'leader';
  }

  get leader(): number {
    return this.#state.leader;
  }

  get leaderEpoch(): number {
    return this.#state.leaderEpoch;
  }

  get isr(): readonly number[] {
    return this.#state.isr;
  }

  get replicas(): readonly number[] {
    return this.#state.replicas;
  }

  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** Where read_committed consumers stop: the first open transaction, or the high watermark. */
  get lastStableOffset(): number {
    return this.log.lastStableOffsetBelow(this.#highWatermark);
  }

  get logStartOffset(): number {
    return this.log.logStartOffset;
  }

  get logEndOffset(): number {
    return this.log.logEndOffset;
  }

  becomeLeader(state: PartitionState): void {
    assert(state.leader === this.#nodeId, 'only the elected leader becomes leader');
    if (this.#role === 'offline' || !this.#maybeAdopt(state)) return;
    this.#role = 'leader';
    this.log.assignLeaderEpoch(state.leaderEpoch);
    this.#maybeAdvanceHighWatermark();
  }

  becomeFollower(state: PartitionState): void {
    if (this.#role === 'offline' || !this.#maybeAdopt(state)) return;
    this.#role = 'follower';
    this.#hidden.clear();
    this.#undecided.clear();
  }

  /** The directory cannot be trusted any more; only a restart brings the partition back. */
  becomeOffline(): void {
    if (this.#role === 'offline') return;
    this.#role = 'offline';
    this.#endWaits(new KafkaError('KAFKA_STORAGE_ERROR'));
  }

  /**
   * Checks that we lead in the epoch the client believes in (KIP-320).
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH,
   * KAFKA_STORAGE_ERROR
   */
  assertLeader(currentLeaderEpoch = -1): void {
    if (this.#role === 'offline') throw new KafkaError('KAFKA_STORAGE_ERROR');
    if (currentLeaderEpoch >= 0) {
      if (currentLeaderEpoch < this.leaderEpoch) throw new KafkaError('FENCED_LEADER_EPOCH');
      if (currentLeaderEpoch > this.leaderEpoch) throw new KafkaError('UNKNOWN_LEADER_EPOCH');
    }
    if (this.#role !== 'leader') throw new KafkaError('NOT_LEADER_OR_FOLLOWER');
  }

  /** @throws KafkaError NOT_ENOUGH_REPLICAS if acks=all could not be honoured. */
  assertEnoughReplicas(): void {
    const required = Math.min(this.log.config.minInSyncReplicas, this.#state.replicas.length);
    if (this.isr.length < required) {
      throw new KafkaError(
        'NOT_ENOUGH_REPLICAS',
        `${this.isr.length} replicas are in sync, min.insync.replicas demands ${required}`,
      );
    }
  }

  /**
   * Appends batches a client sent (the buffer is patched in place). Synchronous: when it returns
   * the records are in the log, in the order of the calls.
   * @throws KafkaError as the log and `assertLeader` do; nothing was appended then.
   */
  appendAsLeader(records: Buffer, origin: 'client' | 'coordinator' = 'client'): AppendResult {
    return this.#append(records, origin, 0);
  }

  /**
   * Appends a transactional batch. It must go on with a transaction that is open here, or show
   * the verification begun for it (`log.producers.beginVerification`).
   * @throws KafkaError INVALID_TXN_STATE, and as `appendAsLeader` does; nothing was appended then.
   */
  appendInTransaction(
    records: Buffer,
    options: {
      readonly origin?: 'client' | 'coordinator';
      readonly verification: TransactionVerification | null;
    },
  ): AppendResult {
    return this.#append(records, options.origin ?? 'client', 0, options.verification);
  }

  /**
   * Ends the producer's transaction in this partition, if it has one here; a marker is appended in
   * any case, so that a coordinator may ask again. Await `offsetReached(lastOffset + 1)`.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED, and as
   * `appendAsLeader` and `assertEnoughReplicas` do; nothing was appended then.
   */
  appendTransactionMarker(marker: EndMarker): AppendResult {
    this.assertLeader();
    this.assertEnoughReplicas();
    const records = encodeEndMarker(marker, this.#io.clock.now());
    return this.#append(records, 'coordinator', marker.transactionVersion);
  }

  #append(
    records: Buffer,
    origin: 'client' | 'coordinator',
    transactionVersion: number,
    verification?: TransactionVerification | null,
  ): AppendResult {
    this.assertLeader();
    const sizeBefore = this.log.logEndOffset;
    const result = this.log.appendAsLeader(records, {
      leaderEpoch: this.leaderEpoch,
      origin,
      timestampNow: this.#io.clock.now(),
      transactionVersion,
      verification,
    });
    const endOffset = this.log.logEndOffset;
    if (endOffset === sizeBefore) return result;
    this.#hidden.push(endOffset, records.length);
    if (result.flushDue) {
      this.#flushDueOffset = endOffset;
      void this.#flushUntilDurable();
    }
    this.#maybeAdvanceHighWatermark();
    return result;
  }

  /**
   * Resolves when the whole ISR has everything below the offset (`lastOffset + 1` of an append).
   * The deadline is in `clock.monotonic` milliseconds.
   * @throws KafkaError REQUEST_TIMED_OUT, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR
   */
  async offsetReached(offset: number, deadlineMs: number): Promise<void> {
    if (this.#highWatermark >= offset) return;
    this.assertLeader();
    await this.#highWatermarkWaiters.wait(offset, deadlineMs);
  }

  /** True if the topic demands that the offset be on the platter and it is not there yet. */
  isFlushPending(offset: number): boolean {
    return this.log.recoveryPoint < Math.min(offset, this.#flushDueOffset);
  }

  /** Resolves when what the topic wants on the platter below the offset is there. */
  async offsetFlushed(offset: number, deadlineMs: number): Promise<void> {
    if (!this.isFlushPending(offset)) return;
    this.assertLeader();
    await this.#flushWaiters.wait(Math.min(offset, this.#flushDueOffset), deadlineMs);
  }

  /**
   * Reads batches for a consumer, up to what it may see.
   * @throws KafkaError OFFSET_OUT_OF_RANGE
   */
  read(offset: number, options: ReadOptions): LogRead | Promise<LogRead> {
    return this.log.read(offset, options.bytesMax, {
      upperBound: this.readableEnd(options.isCommittedOnly),
      atLeastOneBatch: options.atLeastOneBatch,
      abortedTransactions: options.isCommittedOnly,
    });
  }

  readableEnd(isCommittedOnly: boolean): number {
    return isCommittedOnly ? this.lastStableOffset : this.#highWatermark;
  }

  /**
   * Moves the start of the log (DeleteRecords); -1 means the high watermark.
   * @returns the new low watermark
   * @throws KafkaError OFFSET_OUT_OF_RANGE, POLICY_VIOLATION if the topic does not delete
   */
  async deleteRecordsBefore(offset: number): Promise<number> {
    this.assertLeader();
    if (!this.log.config.cleanupPolicy.includes('delete')) {
      throw new KafkaError('POLICY_VIOLATION', `${this.topic} is compacted, not deleted from`);
    }
    const target = offset === -1 ? this.#highWatermark : offset;
    if (target < 0 || target > this.#highWatermark) throw new KafkaError('OFFSET_OUT_OF_RANGE');
    await this.#movingStart(() => this.log.deleteRecordsBefore(target));
    return this.log.logStartOffset;
  }

  /** Rolls and deletes old segments; returns how many went. */
  async applyRetention(): Promise<number> {
    if (this.#role === 'offline') return 0;
    return await this.#movingStart(() =>
      this.log.applyRetention(this.#io.clock.now(), this.#highWatermark),
    );
  }

  async #movingStart<T>(change: () => Promise<T>): Promise<T> {
    const before = this.log.logStartOffset;
    try {
      return await change();
    } finally {
      if (this.log.logStartOffset !== before) this.#notify(0, 0);
    }
  }

  addListener(listener: VisibleBytesListener): void {
    this.#listeners.add(listener);
  }

  removeListener(listener: VisibleBytesListener): void {
    this.#listeners.delete(listener);
  }

  interruptFetches(): void {
    for (const listener of [...this.#listeners]) listener.onInterrupted();
  }

  /** The partition moved to another directory: this log has every record of the one before. */
  replaceLog(log: PartitionLog): void {
    assert(log.logEndOffset === this.#log.logEndOffset, 'a copy that takes over is complete');
    log.producers.takeVerificationsOf(this.#log.producers);
    this.#log = log;
    log.assignLeaderEpoch(this.#state.leaderEpoch);
    // Batches that a flush is being waited for may be on the platter of the old log alone.
    if (log.recoveryPoint < this.#flushDueOffset) void this.#flushUntilDurable();
  }

  /** Ends every wait; the log is the owner's to close. */
  close(): void {
    this.#role = 'offline';
    this.#endWaits(new KafkaError('NOT_LEADER_OR_FOLLOWER'));
  }

  /** Takes over newer metadata; false if we know it or a newer one already. */
  #maybeAdopt(state: PartitionState): boolean {
    if (!isNewer(state, this.#state)) return false;
    const isNewEpoch = state.leaderEpoch > this.#state.leaderEpoch;
    this.#state = state;
    if (isNewEpoch) this.#endWaits(new KafkaError('NOT_LEADER_OR_FOLLOWER'));
    return true;
  }

  #endWaits(error: KafkaError): void {
    if (this.#role === 'offline') this.#flushRetry?.cancel();
    this.#highWatermarkWaiters.failAll(error);
    this.#flushWaiters.failAll(error);
    this.interruptFetches();
  }

  /** The highest offset the whole ISR has; with one replica that is what we hold ourselves. */
  #maybeAdvanceHighWatermark(): void {
    if (this.#role !== 'leader') return;
    const isAlone = this.isr.length === 1 && this.isr[0] === this.#nodeId;
    if (!isAlone) return;
    const recoveryPoint = this.log.recoveryPoint;
    const target = recoveryPoint >= this.#flushDueOffset ? this.log.logEndOffset : recoveryPoint;
    if (target <= this.#highWatermark) return;
    this.#highWatermark = target;
    this.#highWatermarkWaiters.onAdvance(target);
    this.#showUpTo(target);
  }

  #showUpTo(offset: number): void {
    if (this.#undecided.isEmpty && !this.log.producers.hasUndecided) {
      const bytes = this.#hidden.takeUpTo(offset);
      this.#notify(bytes, bytes);
    } else {
      const bytes = this.#hidden.takeUpTo(offset, this.#undecided);
      this.#notify(bytes, this.#undecided.takeUpTo(this.lastStableOffset));
    }
  }

  #notify(visibleBytes: number, stableBytes: number): void {
    if (this.#listeners.size === 0) return;
    for (const listener of [...this.#listeners]) {
      const bytes = listener.isCommittedOnly ? stableBytes : visibleBytes;
      if (bytes > 0) listener.onVisible(bytes);
      else listener.onMoved();
    }
  }

  /** One flush at a time; appends that come while it runs share the next one. */
  async #flushUntilDurable(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      // What a truncation took cannot be flushed any more: a flush of it would end at once.
      while (this.#role !== 'offline' && this.isFlushPending(this.log.logEndOffset)) {
        await this.log.flush();
        this.#onFlushed();
      }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#onFlushFailed(error);
    } finally {
      this.#isFlushing = false;
    }
  }

  /**
   * After a failed sync the directory has taken us offline before we hear of it. Otherwise the
   * disk had no room for what goes along with the sync, and may have some later.
   */
  #onFlushFailed(error: KafkaError): void {
    if (this.#role === 'offline') return;
    this.#flushWaiters.failAll(error);
    this.#highWatermarkWaiters.failAll(error);
    this.#flushRetry = this.#io.clock.after(flushRetryMs, () => void this.#flushUntilDurable());
  }

  #onFlushed(): void {
    this.#flushWaiters.onAdvance(this.log.recoveryPoint);
    this.#maybeAdvanceHighWatermark();
  }
}
