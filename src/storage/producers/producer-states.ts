// What a log remembers of idempotent and transactional producers (KIP-98, KIP-360): per producer
// id the epoch, the last five batches and the open transaction. Duplicates are found and gaps
// refused by it; the first offset of the oldest open transaction bounds read_committed readers.
//
// Invariants: the state is a function of the batches in the log (and of what expired). An append is
// checked on copies (ProducerUpdates), which replace the originals once its bytes are written. Only
// a batch that is remembered is called a duplicate: of any other nothing proves that it is stored
// (docs/decisions/0011). A producer is forgotten when nothing came from it for long, by the clock
// of this broker: the times in its batches are another's (docs/decisions/0022).

import { assert } from '../../base/assert.ts';
import {
  type BatchHeader,
  decodeEndTransactionMarker,
  decodeRecords,
  type EndTransactionMarker,
  KafkaError,
} from '../../protocol/index.ts';
import type { AbortedTransactionEntry } from '../segment/transaction-index.ts';
import { OpenTransactions } from './open-transactions.ts';
import { assertMayEnd, assertProducerEpoch, type ProducerEpochs } from './producer-epochs.ts';
import type { ProducerSnapshotEntry } from './producer-snapshot.ts';
import {
  type OpeningBatch,
  type TransactionVerification,
  TransactionVerifications,
} from './transaction-verification.ts';

/** The Java producer has at most this many requests in flight when it is idempotent. */
const BATCHES_KEPT = 5;
const SEQUENCE_MAX = 0x7fff_ffff;
const UNREPLICATED_MAX = 1000;
/** A snapshot says when a producer's last batch came where that is not what its time says. */
const UNDER_WAY_MS_MAX = 1000;

export type AppendOrigin = 'client' | 'coordinator' | 'replication';

interface ProducedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

interface ProducerState {
  readonly producerId: number;
  epoch: number;
  coordinatorEpoch: number;
  lastTimestamp: number;
  /** When its last batch or marker came, by the clock of this broker. */
  arrivedMs: number;
  currentTxnFirstOffset: number;
  /** Oldest first. */
  batches: ProducedBatch[];
}

interface CompletedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** The marker's. */
  readonly lastOffset: number;
  readonly isAborted: boolean;
}

export interface DuplicateBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

export class ProducerStates {
  readonly #states = new Map<number, ProducerState>();
  readonly #open = new OpenTransactions();
  /** Decided, but the marker may not be replicated yet: first offset to the marker's offset. */
  readonly #unreplicated = new Map<number, number>();
  #verifications = new TransactionVerifications();

  get count(): number {
    return this.#states.size;
  }

  /** A transaction is open, or its end may not be replicated yet. */
  get hasUndecided(): boolean {
    return this.undecidedCount > 0;
  }

  get undecidedCount(): number {
    return this.#open.size + this.#unreplicated.size;
  }

  /** null when nothing is undecided. */
  get firstOpenOffset(): number | null {
    return this.#open.first;
  }

  /** As firstOpenOffset, but a transaction stays undecided until its marker is below the mark. */
  firstUnstableOffset(highWatermark: number): number | null {
    let first = this.firstOpenOffset;
    for (const [firstOffset, markerOffset] of this.#unreplicated) {
      if (markerOffset < highWatermark) this.#unreplicated.delete(firstOffset);
      else if (first === null || firstOffset < first) first = firstOffset;
    }
    return first;
  }

  /** The batch as it was appended before; null if it is new. */
  findDuplicate(batch: BatchHeader): DuplicateBatch | null {
    const state = this.#states.get(batch.producerId);
    if (state === undefined || state.epoch !== batch.producerEpoch) return null;
    const lastSequence = addSequence(batch.baseSequence, batch.lastOffsetDelta);
    for (const known of state.batches) {
      if (known.firstSequence === batch.baseSequence && known.lastSequence === lastSequence) {
        return known;
      }
    }
    return null;
  }

  /** The producer has a transaction open here, in this epoch. */
  hasOpenTransaction(producerId: number, producerEpoch: number): boolean {
    const state = this.#states.get(producerId);
    return state !== undefined && state.currentTxnFirstOffset >= 0 && state.epoch === producerEpoch;
  }

  /** What is known of the producer; undefined if it never wrote here, or long ago. */
  epochsOf(producerId: number): ProducerEpochs | undefined {
    return this.#states.get(producerId);
  }

  /**
   * The batch is going to open a transaction, once the coordinator agrees: what its append must
   * show. null if the transaction is open already.
   * @throws KafkaError INVALID_PRODUCER_EPOCH
   */
  beginVerification(batch: OpeningBatch, nowMs: number): TransactionVerification | null {
    const { producerId, producerEpoch } = batch;
    assertProducerEpoch(this.#states.get(producerId), batch);
    if (this.hasOpenTransaction(producerId, producerEpoch)) return null;
    return this.#verifications.begin(batch, nowMs);
  }

  /**
   * The batch goes on with an open transaction, or opens one with what beginVerification gave.
   * @throws KafkaError INVALID_TXN_STATE, INVALID_PRODUCER_EPOCH
   */
  assertVerified(batch: BatchHeader, verification: TransactionVerification | null): void {
    const { producerId, producerEpoch } = batch;
    if (this.hasOpenTransaction(producerId, producerEpoch)) return;
    assertProducerEpoch(this.#states.get(producerId), batch);
    if (verification !== null && this.#verifications.of(producerId) === verification) return;
    throw new KafkaError(
      'INVALID_TXN_STATE',
      `a batch of producer ${producerId} is not part of a transaction that goes on`,
    );
  }

  /** nowMs by the clock of this broker. */
  prepare(origin: AppendOrigin, nowMs: number, transactionVersion = 0): ProducerUpdates {
    return new ProducerUpdates(this, origin, nowMs, transactionVersion);
  }

  /** The log takes over from another with the same batches: who is being verified there is here. */
  takeVerificationsOf(before: ProducerStates): void {
    this.#verifications = before.#verifications;
    before.#verifications = new TransactionVerifications();
  }

  /** A transactional batch of the producer is as good as appended. */
  onDecided(batch: Pick<BatchHeader, 'producerId' | 'producerEpoch' | 'isControl'>): void {
    this.#verifications.onAppended(batch);
  }

  /** For ProducerUpdates, which may change it. */
  copyOf(producerId: number): ProducerState | undefined {
    const known = this.#states.get(producerId);
    return known === undefined ? undefined : { ...known, batches: known.batches.slice() };
  }

  verificationOf(producerId: number): TransactionVerification | undefined {
    return this.#verifications.of(producerId);
  }

  /** The prepared batches are in the log. Returns what the transaction index must learn. */
  commit(updates: ProducerUpdates): AbortedTransactionEntry[] {
    for (const state of updates.states.values()) this.#states.set(state.producerId, state);
    for (const { firstOffset } of updates.started) this.#open.add(firstOffset);
    const aborted: AbortedTransactionEntry[] = [];
    for (const { producerId, firstOffset, lastOffset, isAborted } of updates.completed) {
      const wasOpen = this.#open.delete(firstOffset);
      assert(wasOpen, 'a transaction that ends has begun');
      this.#unreplicated.set(firstOffset, lastOffset);
      if (this.#unreplicated.size > UNREPLICATED_MAX) this.#joinUnreplicated();
      const lastStableOffset = this.firstOpenOffset ?? lastOffset + 1;
      if (isAborted) aborted.push({ producerId, firstOffset, lastOffset, lastStableOffset });
    }
    for (const batch of updates.transactional ?? []) this.#verifications.onAppended(batch);
    return aborted;
  }

  /**
   * Nobody asks for the stable offset of a log that is recovered or copied. Two neighbours become
   * one, which is replicated when the later of them is.
   */
  #joinUnreplicated(): void {
    const before = [...this.#unreplicated];
    this.#unreplicated.clear();
    for (let at = 0; at < before.length; at += 2) {
      const [first, marker] = before[at] as [number, number];
      const [nextFirst, nextMarker] = before[at + 1] ?? [first, marker];
      this.#unreplicated.set(Math.min(first, nextFirst), Math.max(marker, nextMarker));
    }
  }

  /** What the log has of the producer contradicts itself: as if it had never written. */
  forget(producerId: number): void {
    const state = this.#states.get(producerId);
    this.#states.delete(producerId);
    if (state !== undefined) this.#open.delete(state.currentTxnFirstOffset);
  }

  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, state] of this.#states) {
      if (isExpired(state, nowMs, expirationMs)) this.#states.delete(producerId);
    }
    this.#verifications.expire(nowMs, expirationMs);
  }

  /** One entry for each producer, with its last batch. */
  snapshot(): ProducerSnapshotEntry[] {
    return Array.from(this.#states.values(), (state) => entryOf(state, state.batches.at(-1)));
  }

  /**
   * One entry for each batch that is remembered, a producer's last one behind its others: who takes
   * one entry a producer, as Kafka does, is left with the last. One without a batch, before them,
   * has the time at which the last one came, where that is not its own time.
   */
  fullSnapshot(): ProducerSnapshotEntry[] {
    const entries: ProducerSnapshotEntry[] = [];
    for (const state of this.#states.values()) {
      if (Math.abs(state.arrivedMs - state.lastTimestamp) > UNDER_WAY_MS_MAX) {
        entries.push({ ...entryOf(state, undefined), timestamp: state.arrivedMs });
      }
      if (state.batches.length === 0) entries.push(entryOf(state, undefined));
      for (const batch of state.batches) entries.push(entryOf(state, batch));
    }
    return entries;
  }

  /** Replaces everything by what a snapshot says, of either kind. */
  restore(entries: readonly ProducerSnapshotEntry[], nowMs: number, expirationMs: number): void {
    this.clear();
    const arrivals = new Map<number, number>();
    for (const entry of entries) {
      const { producerId, lastOffset, timestamp } = entry;
      this.#states.set(producerId, stateOf(entry, this.#states.get(producerId)));
      if (lastOffset < 0 && !arrivals.has(producerId)) arrivals.set(producerId, timestamp);
    }
    for (const [producerId, state] of this.#states) {
      state.arrivedMs = arrivals.get(producerId) ?? state.lastTimestamp;
      if (isExpired(state, nowMs, expirationMs)) this.#states.delete(producerId);
    }
    const open = [...this.#states.values()].filter((state) => state.currentTxnFirstOffset >= 0);
    open.sort((a, b) => a.currentTxnFirstOffset - b.currentTxnFirstOffset);
    for (const { currentTxnFirstOffset } of open) this.#open.add(currentTxnFirstOffset);
  }

  clear(): void {
    this.#states.clear();
    this.#open.clear();
    this.#unreplicated.clear();
    this.#verifications.clear();
  }
}

/** The effect of one append on the producers, before it is known to have succeeded. */
export class ProducerUpdates {
  readonly states = new Map<number, ProducerState>();
  readonly started: { producerId: number; firstOffset: number }[] = [];
  readonly completed: CompletedTransaction[] = [];
  transactional: BatchHeader[] | null = null;
  readonly #before: ProducerStates;
  readonly #origin: AppendOrigin;
  readonly #arrivedMs: number;
  readonly #transactionVersion: number;

  /** transactionVersion is that of an end marker. */
  constructor(
    before: ProducerStates,
    origin: AppendOrigin,
    arrivedMs: number,
    transactionVersion: number,
  ) {
    this.#before = before;
    this.#origin = origin;
    this.#arrivedMs = arrivedMs;
    this.#transactionVersion = transactionVersion;
  }

  /**
   * The batch, with its final offsets, comes next.
   *
   * @throws KafkaError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE or
   *   TRANSACTION_COORDINATOR_FENCED
   */
  append(buffer: Buffer, batch: BatchHeader): void {
    if (batch.producerId < 0) return;
    const state = this.#stateFor(batch.producerId);
    if (batch.isControl) {
      const record = decodeRecords(buffer, batch)[0];
      const marker = record === undefined ? null : decodeEndTransactionMarker(record);
      if (marker !== null) this.#endTransaction(state, batch, marker);
      // Compaction has emptied it, after everything else of its transaction.
      else if (record === undefined) this.#complete(state, batch, false);
    } else {
      this.#addBatch(state, batch);
    }
    state.arrivedMs = this.#arrivedMs;
    this.states.set(batch.producerId, state);
    if (!batch.isTransactional) return;
    this.transactional ??= [];
    this.transactional.push(batch);
  }

  #stateFor(producerId: number): ProducerState {
    return (
      this.states.get(producerId) ??
      this.#before.copyOf(producerId) ?? {
        producerId,
        epoch: -1,
        coordinatorEpoch: -1,
        lastTimestamp: -1,
        arrivedMs: -1,
        currentTxnFirstOffset: -1,
        batches: [],
      }
    );
  }

  #addBatch(state: ProducerState, batch: BatchHeader): void {
    if (this.#origin !== 'replication') assertProducerEpoch(state, batch);
    if (this.#origin === 'client') {
      assertOpening(state, batch, this.#before.verificationOf(batch.producerId));
      assertSequence(state, batch);
    }
    if (state.epoch !== batch.producerEpoch) {
      state.epoch = batch.producerEpoch;
      state.batches = [];
    }
    state.batches.push({
      firstSequence: batch.baseSequence,
      lastSequence: addSequence(batch.baseSequence, batch.lastOffsetDelta),
      firstOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      timestamp: batch.maxTimestamp,
    });
    if (state.batches.length > BATCHES_KEPT) state.batches.shift();
    state.lastTimestamp = batch.maxTimestamp;
    if (state.currentTxnFirstOffset >= 0 && !batch.isTransactional) {
      throw new KafkaError(
        'INVALID_TXN_STATE',
        `producer ${state.producerId} wrote outside the transaction that it has open`,
      );
    }
    if (state.currentTxnFirstOffset < 0 && batch.isTransactional) {
      state.currentTxnFirstOffset = batch.baseOffset;
      this.started.push({ producerId: state.producerId, firstOffset: batch.baseOffset });
    }
  }

  #endTransaction(state: ProducerState, batch: BatchHeader, marker: EndTransactionMarker): void {
    // A follower takes what the leader took.
    if (this.#origin !== 'replication') {
      const { producerId, producerEpoch } = batch;
      const { coordinatorEpoch } = marker;
      const transactionVersion = this.#transactionVersion;
      assertMayEnd(state, { producerId, producerEpoch, coordinatorEpoch, transactionVersion });
    }
    if (state.epoch !== batch.producerEpoch) {
      state.epoch = batch.producerEpoch;
      state.batches = [];
    }
    this.#complete(state, batch, !marker.isCommit);
    state.coordinatorEpoch = marker.coordinatorEpoch;
    state.lastTimestamp = batch.maxTimestamp;
  }

  #complete(state: ProducerState, { lastOffset }: BatchHeader, isAborted: boolean): void {
    const { producerId, currentTxnFirstOffset: firstOffset } = state;
    if (firstOffset >= 0) this.completed.push({ producerId, firstOffset, lastOffset, isAborted });
    state.currentTxnFirstOffset = -1;
  }
}

/** Of the batches that wait for one verification the first opens the transaction. */
function assertOpening(
  state: ProducerState,
  { producerId, baseSequence }: BatchHeader,
  verification: TransactionVerification | undefined,
): void {
  if (verification === undefined) return;
  const isFirst =
    baseSequence <= verification.lowestSequence &&
    (baseSequence === 0 || !verification.hasOwnEpoch || state.batches.length > 0);
  if (isFirst) return;
  throw new KafkaError(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    `producer ${producerId} sent sequence ${baseSequence} where its transaction is to begin`,
  );
}

/**
 * KIP-360: a producer that is not known (any more) may go on with any sequence. What is lower than
 * that may therefore never have been stored.
 */
function assertSequence(state: ProducerState, batch: BatchHeader): void {
  if (state.epoch === -1) return;
  const { producerId, baseSequence } = batch;
  if (batch.producerEpoch !== state.epoch) {
    if (baseSequence === 0) return;
    throw new KafkaError(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      `producer ${producerId} starts epoch ${batch.producerEpoch} with sequence ${baseSequence}`,
    );
  }
  const last = state.batches.at(-1)?.lastSequence ?? -1;
  if (baseSequence === last + 1 || (baseSequence === 0 && last === SEQUENCE_MAX)) return;
  throw new KafkaError(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    `producer ${producerId} sent sequence ${baseSequence} after ${last}`,
  );
}

function isExpired(state: ProducerState, nowMs: number, expirationMs: number): boolean {
  return state.currentTxnFirstOffset < 0 && nowMs - state.arrivedMs >= expirationMs;
}

function entryOf(state: ProducerState, batch: ProducedBatch | undefined): ProducerSnapshotEntry {
  const { producerId, epoch, coordinatorEpoch, currentTxnFirstOffset, lastTimestamp } = state;
  return {
    producerId,
    epoch,
    lastSequence: batch?.lastSequence ?? -1,
    lastOffset: batch?.lastOffset ?? -1,
    offsetDelta: batch === undefined ? 0 : batch.lastOffset - batch.firstOffset,
    // None of a producer's entries is younger than its last: none stays when that one expires.
    timestamp:
      batch === undefined || batch === state.batches.at(-1)
        ? lastTimestamp
        : Math.min(batch.timestamp, lastTimestamp),
    coordinatorEpoch,
    currentTxnFirstOffset,
  };
}

/** @param before what entries before this one said of the producer */
function stateOf(entry: ProducerSnapshotEntry, before: ProducerState | undefined): ProducerState {
  const { producerId, epoch, coordinatorEpoch, currentTxnFirstOffset, lastOffset } = entry;
  const { timestamp: lastTimestamp, timestamp: arrivedMs } = entry;
  const batches = before?.epoch === epoch ? before.batches : [];
  if (lastOffset >= 0) {
    batches.push({
      firstSequence: addSequence(entry.lastSequence, -entry.offsetDelta),
      lastSequence: entry.lastSequence,
      firstOffset: lastOffset - entry.offsetDelta,
      lastOffset,
      timestamp: entry.timestamp,
    });
  }
  if (batches.length > BATCHES_KEPT) batches.shift();
  const times = { lastTimestamp, arrivedMs };
  return { producerId, epoch, coordinatorEpoch, ...times, currentTxnFirstOffset, batches };
}

/** Sequence numbers go from 2^31-1 on to 0. */
function addSequence(sequence: number, delta: number): number {
  if (sequence < 0) return sequence;
  const modulus = SEQUENCE_MAX + 1;
  return (((sequence + delta) % modulus) + modulus) % modulus;
}
