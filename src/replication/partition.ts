// One replica of one partition: what this broker is for it (leader-state.ts or follower-state.ts),
// the epoch it is that in, how far consumers may read, and who waits for it. It wraps the log:
// everything that wants to append, read or change it goes through here, because here the epochs
// and the watermark are.
//
// Invariants: the high watermark never goes back while a leader epoch lasts, never passes the log
// end, and never passes bytes for which the topic demands an fsync that has not returned; an
// append happens only as leader and carries the current epoch, or as follower of that epoch; who
// is elected while his log is being truncated leads when that is over; nobody waits on a partition
// that can no longer wake him (role change, storage failure and close end every wait).

import { assert } from '../base/assert.ts';
import type { Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import {
  type AppendResult,
  type EndMarker,
  encodeEndMarker,
  type LogConfig,
  type LogRead,
  type PartitionLog,
  type TransactionVerification,
} from '../storage/index.ts';
import { DueFlush } from './due-flush.ts';
import type { VisibleBytesListener, VisibleBytesSource } from './fetch-waiter.ts';
import { FollowerState } from './follower-state.ts';
import { HighWatermark } from './high-watermark.ts';
import type { IsrChange } from './in-sync-set.ts';
import { type FollowerFetch, LeaderState, type LeaderView } from './leader-state.ts';
import type { LogProducers, LogView } from './log-view.ts';
import { LowWatermark } from './low-watermark.ts';
import {
  isNewer,
  type PartitionIdentity,
  type PartitionRole,
  type PartitionState,
  unknownState,
} from './partition-state.ts';
import { PartitionUpkeep } from './partition-upkeep.ts';
import { ProducerTurns } from './producer-turns.ts';

export interface PartitionOptions extends PartitionIdentity {
  readonly nodeId: number;
  readonly log: PartitionLog;
  /** From replication-offset-checkpoint; consumers saw no further before the restart. */
  readonly highWatermark: number;
  /** It leads since now: a truncation was under way when it was told to. */
  readonly onLeadingLate?: () => void;
}

/** How long a follower waits for what it fetched to be on the platter before it asks again. */
const flushMsMax = 10_000;

export interface ReadOptions {
  readonly bytesMax: number;
  readonly isCommittedOnly: boolean;
  /** Followers read to the end of the log. Default: a consumer, up to what it may see. */
  readonly isFollower?: boolean;
  /** Return the first batch whole even if it exceeds `bytesMax` (KIP-74). */
  readonly atLeastOneBatch: boolean;
}

export class Partition implements VisibleBytesSource {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly #io: Io;
  readonly #nodeId: number;
  readonly #onLeadingLate: (() => void) | undefined;
  readonly #watermark: HighWatermark;
  /** Keeps transactional batches in order while the first one is verified. */
  readonly turns = new ProducerTurns();
  #log: PartitionLog;
  #state: PartitionState = unknownState;
  #isOffline = false;
  /** While we lead. */
  #leading: LeaderState | null = null;
  /** While we follow, unless nobody leads. */
  #following: FollowerState | null = null;
  /** Since the topic first demanded that an append be on the platter. */
  #dueFlush: DueFlush | null = null;
  /** Since records were first deleted by request. */
  #lowWatermark: LowWatermark | null = null;

  constructor(io: Io, options: PartitionOptions) {
    this.#io = io;
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.partition = options.partition;
    this.#log = options.log;
    this.#nodeId = options.nodeId;
    this.#onLeadingLate = options.onLeadingLate;
    this.#watermark = new HighWatermark(io.clock, options.highWatermark, options.log);
  }

  /** Made for each use: a broker with many partitions would keep one for each. */
  get upkeep(): PartitionUpkeep {
    return new PartitionUpkeep(this.#io.clock, this, {
      log: () => this.#log,
      movingStart: (change) => this.#movingStart(change),
      lowWatermark: () => {
        this.#lowWatermark ??= new LowWatermark(this.#io.clock);
        return this.#lowWatermark;
      },
    });
  }

  /** For reading: what changes a log is asked of its partition. */
  get logView(): LogView {
    return this.#log;
  }

  get producers(): LogProducers {
    return this.#log.producers;
  }

  get role(): PartitionRole {
    if (this.#isOffline) return 'offline';
    return this.#leading === null ? 'follower' : 'leader';
  }

  get isLeader(): boolean {
    return this.#leading !== null;
  }

  /** What it knows of the other replicas while it leads; null otherwise. */
  get leading(): LeaderView | null {
    return this.#leading;
  }

  /** What fetches from the leader go through while it follows one; null otherwise. */
  get following(): FollowerState | null {
    return this.#following;
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
    return this.#watermark.offset;
  }

  /** Where read_committed consumers stop: the first open transaction, or the high watermark. */
  get lastStableOffset(): number {
    return this.#log.lastStableOffsetBelow(this.highWatermark);
  }

  /** Whoever led before may have shown more than the watermark until then (KIP-207). */
  get hasReachedEpochStart(): boolean {
    return this.#leading === null || this.highWatermark >= this.#leading.epochStartOffset;
  }

  get logStartOffset(): number {
    return this.#log.logStartOffset;
  }

  get logEndOffset(): number {
    return this.#log.logEndOffset;
  }

  becomeLeader(state: PartitionState): void {
    assert(state.leader === this.#nodeId, 'only the elected leader becomes leader');
    if (!this.#maybeAdopt(state)) return;
    if (this.#leading?.leaderEpoch === state.leaderEpoch) {
      const isJoined = this.#leading.onState(state, this.#io.clock.monotonic());
      // Its session is asked what it has, also where it had all before and nothing moved since.
      if (isJoined) this.interruptFetches();
      this.#maybeAdvanceHighWatermark();
      return;
    }
    this.#endFollowing();
    if (this.#log.truncations.current === null) this.#lead(state);
    else void this.#leadWhenTruncated(state);
  }

  async #leadWhenTruncated(state: PartitionState): Promise<void> {
    while (this.#log.truncations.current !== null) {
      await Promise.allSettled([this.#log.truncations.current]);
    }
    if (this.#isOffline || this.#state !== state) return;
    this.#lead(state);
    this.#onLeadingLate?.();
  }

  #lead(state: PartitionState): void {
    const { logEndOffset } = this.#log;
    this.#onTruncated(logEndOffset);
    // What we have as a follower is not visible yet: whoever waits for it waits for bytes.
    const isHidden = this.#leading === null && logEndOffset > this.highWatermark;
    if (isHidden) this.#watermark.onAppended(logEndOffset, 1);
    this.#leading = new LeaderState({
      nodeId: this.#nodeId,
      state,
      epochStartOffset: logEndOffset,
      nowMs: this.#io.clock.monotonic(),
    });
    this.#log.assignLeaderEpoch(state.leaderEpoch);
    this.#maybeAdvanceHighWatermark();
  }

  becomeFollower(state: PartitionState): void {
    if (!this.#maybeAdopt(state)) return;
    this.#leading = null;
    this.#watermark.forgetAppended();
    if (this.#following?.leaderEpoch === state.leaderEpoch) return;
    this.#endFollowing();
    if (state.leader < 0) return;
    this.#following = new FollowerState(state, {
      log: () => this.#log,
      highWatermark: () => this.highWatermark,
      isFlushPending: (offset) => this.isFlushPending(offset),
      onFlushDue: (endOffset) => this.#demandFlush(endOffset),
      untilFlushed: (offset) => this.offsetFlushed(offset, this.#io.clock.monotonic() + flushMsMax),
      moveStart: (offset) => this.#movingStart(() => this.#log.deleteRecordsBefore(offset)),
      onAppended: (endOffset, sizeBytes) => this.#watermark.onAppended(endOffset, sizeBytes),
      onCommitted: (offset) => this.#watermark.advanceTo(offset, this.#log),
      onTruncated: (endOffset) => this.#onTruncated(endOffset),
    });
  }

  #endFollowing(): void {
    this.#following?.end();
    this.#following = null;
  }

  #onTruncated(endOffset: number): void {
    this.#watermark.onTruncated(endOffset, this.#log);
    this.#dueFlush?.onTruncated(endOffset);
  }

  /** The directory cannot be trusted any more; only a restart brings the partition back. */
  becomeOffline(): void {
    if (!this.#isOffline) this.#end(new KafkaError('KAFKA_STORAGE_ERROR'));
  }

  /**
   * Checks that we lead in the epoch the client believes in (KIP-320), or follow in it where a
   * follower will do (KIP-392).
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH,
   * KAFKA_STORAGE_ERROR
   */
  assertLeader(currentLeaderEpoch = -1, mayFollow = false): void {
    if (this.#isOffline) throw new KafkaError('KAFKA_STORAGE_ERROR');
    if (currentLeaderEpoch >= 0) {
      if (currentLeaderEpoch < this.leaderEpoch) throw new KafkaError('FENCED_LEADER_EPOCH');
      if (currentLeaderEpoch > this.leaderEpoch) throw new KafkaError('UNKNOWN_LEADER_EPOCH');
    }
    if (this.#leading !== null || (mayFollow && this.#following !== null)) return;
    throw new KafkaError('NOT_LEADER_OR_FOLLOWER');
  }

  /** As many are in sync as min.insync.replicas demands; more than there are it cannot. */
  get hasEnoughReplicas(): boolean {
    const { isr, replicas } = this.#state;
    return isr.length >= Math.min(this.#log.config.minInSyncReplicas, replicas.length);
  }

  /** @throws KafkaError NOT_ENOUGH_REPLICAS if acks=all could not be honoured. */
  assertEnoughReplicas(): void {
    if (this.hasEnoughReplicas) return;
    const { minInSyncReplicas } = this.#log.config;
    const what = `${this.isr.length} are in sync, min.insync.replicas is ${minInSyncReplicas}`;
    throw new KafkaError('NOT_ENOUGH_REPLICAS', what);
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
   * the verification begun for it (`producers.beginVerification`).
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
    const sizeBefore = this.#log.logEndOffset;
    const result = this.#log.appendAsLeader(records, {
      leaderEpoch: this.leaderEpoch,
      origin,
      timestampNow: this.#io.clock.now(),
      transactionVersion,
      verification,
    });
    const endOffset = this.#log.logEndOffset;
    if (endOffset === sizeBefore) return result;
    this.#leading?.onAppended(sizeBefore, this.#io.clock);
    this.#watermark.onAppended(endOffset, records.length);
    if (result.flushDue) this.#demandFlush(endOffset);
    this.#maybeAdvanceHighWatermark();
    return result;
  }

  /**
   * Resolves when the whole ISR has everything below the offset (`lastOffset + 1` of an append).
   * The deadline is in `clock.monotonic` milliseconds.
   * @throws KafkaError REQUEST_TIMED_OUT, NOT_ENOUGH_REPLICAS_AFTER_APPEND if the watermark stands
   *   still, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR
   */
  async offsetReached(offset: number, deadlineMs: number): Promise<void> {
    if (this.highWatermark >= offset) return;
    this.assertLeader();
    try {
      await this.#watermark.wait(offset, deadlineMs);
    } catch (error) {
      const isLate = error instanceof KafkaError && error.errorName === 'REQUEST_TIMED_OUT';
      if (!isLate || this.hasEnoughReplicas) throw error;
      throw new KafkaError('NOT_ENOUGH_REPLICAS_AFTER_APPEND');
    }
  }

  /** True if the topic demands that the offset be on the platter and it is not there yet. */
  isFlushPending(offset: number): boolean {
    return this.#dueFlush?.isPending(offset) ?? false;
  }

  /** Resolves when what the topic wants on the platter below the offset is there. */
  async offsetFlushed(offset: number, deadlineMs: number): Promise<void> {
    if (!this.isFlushPending(offset)) return;
    if (this.#isOffline) throw new KafkaError('KAFKA_STORAGE_ERROR');
    await this.#dueFlush?.wait(offset, deadlineMs);
  }

  /**
   * Reads batches up to what the reader may see.
   * @throws KafkaError OFFSET_OUT_OF_RANGE
   */
  read(offset: number, options: ReadOptions): LogRead | Promise<LogRead> {
    return this.#log.read(offset, options.bytesMax, {
      upperBound: this.readableEnd(options.isCommittedOnly, options.isFollower),
      atLeastOneBatch: options.atLeastOneBatch,
      abortedTransactions: options.isCommittedOnly,
    });
  }

  readableEnd(isCommittedOnly: boolean, isFollower = false): number {
    if (isFollower) return this.logEndOffset;
    return isCommittedOnly ? this.lastStableOffset : this.highWatermark;
  }

  async #movingStart<T>(change: () => Promise<T>): Promise<T> {
    const before = this.#log.logStartOffset;
    try {
      return await change();
    } finally {
      if (this.#log.logStartOffset !== before) this.#watermark.onLogStartMoved();
    }
  }

  /** What its topic is configured to now; min.insync.replicas may let the watermark move. */
  configure(config: LogConfig): void {
    this.#log.configure(config);
    this.#maybeAdvanceHighWatermark();
  }

  addListener(listener: VisibleBytesListener): void {
    this.#watermark.addListener(listener);
  }

  removeListener(listener: VisibleBytesListener): void {
    this.#watermark.removeListener(listener);
  }

  interruptFetches(): void {
    this.#watermark.interruptListeners();
  }

  /**
   * Notes what a follower has, see LeaderState.onFetch: call it when the answer to its fetch will
   * not say that its log diverges from ours.
   * @throws KafkaError as `assertLeader` and `LeaderState.onFetch` do
   */
  onFollowerFetch(fetch: FollowerFetch): void {
    this.assertLeader(fetch.currentLeaderEpoch);
    this.#leading?.onFetch(fetch, this.#log.logEndOffset);
    this.#lowWatermark?.onMoved();
    this.#maybeAdvanceHighWatermark();
  }

  /** Whether the watermark waits for a replica that is out of sync, keeps pace and may enter. */
  setJoining(replicaId: number, isJoining: boolean): void {
    this.#leading?.setJoining(replicaId, isJoining);
    this.#maybeAdvanceHighWatermark();
  }

  /** To be sent to the controller once; the metadata show what became of it. */
  beginIsrChange(isr: readonly number[]): IsrChange {
    assert(this.#leading !== null, 'only a leader changes its in-sync set');
    return this.#leading.beginIsrChange(isr);
  }

  /** The controller has refused it for good; a lost answer is no refusal. */
  onIsrChangeRefused(change: IsrChange): void {
    this.#leading?.onIsrChangeRefused(change);
    this.#maybeAdvanceHighWatermark();
  }

  /** The partition moved to another directory: this log has every record of the one before. */
  replaceLog(log: PartitionLog): void {
    assert(log.logEndOffset === this.#log.logEndOffset, 'a copy that takes over is complete');
    log.producers.takeVerificationsOf(this.#log.producers);
    this.#log = log;
    // A follower has the epochs of what it fetched, and no other.
    if (this.#leading !== null) log.assignLeaderEpoch(this.#state.leaderEpoch);
    // Batches that a flush is being waited for may be on the platter of the old log alone.
    this.#dueFlush?.onLogReplaced();
  }

  /** Ends every wait; the log is the owner's to close. */
  close(): void {
    this.#end(new KafkaError('NOT_LEADER_OR_FOLLOWER'));
  }

  #end(error: KafkaError): void {
    this.#isOffline = true;
    this.#leading = null;
    this.#endFollowing();
    this.#dueFlush?.end(error);
    this.#endWaits(error);
  }

  /** Takes over newer metadata; false if we know it or a newer one already, or are offline. */
  #maybeAdopt(state: PartitionState): boolean {
    if (this.#isOffline || !isNewer(state, this.#state)) return false;
    const isNewEpoch = state.leaderEpoch > this.#state.leaderEpoch;
    this.#state = state;
    if (isNewEpoch) this.#endWaits(new KafkaError('NOT_LEADER_OR_FOLLOWER'));
    return true;
  }

  #endWaits(error: KafkaError): void {
    this.#watermark.failWaiters(error);
    this.#lowWatermark?.onMoved();
    this.#dueFlush?.failAll(error);
    this.interruptFetches();
  }

  #demandFlush(endOffset: number): void {
    this.#dueFlush ??= new DueFlush(this.#io.clock, {
      log: () => this.#log,
      onFlushed: () => this.#maybeAdvanceHighWatermark(),
      onPostponed: (error) => this.#watermark.failWaiters(error),
    });
    this.#dueFlush.demand(endOffset);
  }

  #maybeAdvanceHighWatermark(): void {
    if (this.#leading === null) return;
    const ownEnd = this.#dueFlush === null ? this.#log.logEndOffset : this.#dueFlush.writtenEnd;
    const { minInSyncReplicas } = this.#log.config;
    const end = this.#leading.committedEnd(ownEnd, minInSyncReplicas);
    if (end > this.highWatermark) this.#watermark.advanceTo(end, this.#log);
  }
}
