// The batches of one partition on their way: the open one, those waiting, those to be sent again,
// those under way, and for an idempotent producer their places in the sequence.
//
// Invariants: batches leave in the order of their numbers, except that without idempotence a
// retry may be overtaken by what was under way already. With idempotence a batch that failed goes
// out again only when everything before it was acknowledged, and nothing behind it goes out
// first. After a batch was given up for good the sequence may have a hole: nothing new is sent
// until the broker has said of every batch behind it whether it is stored, then the producer epoch
// is raised and numbering begins at 0 (KIP-360).

import { assert } from '../../base/assert.ts';
import { sequenceAfter } from '../../protocol/index.ts';
import type { ProducerBatch } from './producer-batch.ts';
import type { ProducerIdentity } from './producer-identity.ts';

/**
 * A broker remembers that many batches of a producer in a partition. max.in.flight.requests is per
 * connection: when leaders change while an old one owes answers, the new one gets more, and could
 * not tell the first of them from a new batch when it is sent again.
 */
const unackedMax = 5;

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  open: ProducerBatch | null = null;
  /** The open batch has lingered: it goes out as soon as it may, and grows until then. */
  isRipe = false;
  /** How much room to begin the next batch with: what the last one took. */
  sizeHintBytes = 512;
  /** The last transaction that wrote here, and whether the coordinator may be taken to know it. */
  transactionNumber = -1;
  isInTransaction = false;
  readonly #waiting: ProducerBatch[] = [];
  /** Sorted by number. */
  readonly #retries: ProducerBatch[] = [];
  readonly #identity: ProducerIdentity | null;
  #inFlight = 0;
  /** Batches with a place in the sequence that are not settled, in that order. */
  readonly #unacked: ProducerBatch[] = [];
  #producerId = -1;
  #producerEpoch = -1;
  #nextSequence = 0;
  #mustRenumber = false;
  /**
   * A numbered batch was given up, stored or not. Those behind it that lost their answers go out
   * once more under their old numbers: were they numbered anew they could be stored twice.
   */
  #hasHole = false;
  /**
   * Whether the broker has stored a batch of this numbering. It takes any first sequence from a
   * producer it does not know: were a second batch under way as well, and the first refused, the
   * second would be stored in its place.
   */
  #isEstablished = false;

  constructor(topic: string, partition: number, identity: ProducerIdentity | null) {
    this.topic = topic;
    this.partition = partition;
    this.#identity = identity;
  }

  get hasBatches(): boolean {
    return this.oldest !== null;
  }

  get isIdle(): boolean {
    return this.open === null && !this.hasBatches && this.#inFlight === 0;
  }

  /** The oldest batch that is not under way. */
  get oldest(): ProducerBatch | null {
    return this.#retries[0] ?? this.#firstUnsent;
  }

  /** The oldest of those that were not sent yet. */
  get #firstUnsent(): ProducerBatch | null {
    return this.#waiting[0] ?? (this.isRipe ? this.open : null);
  }

  /** How many batches are not under way. */
  get unsentCount(): number {
    return this.#retries.length + this.#waiting.length + (this.open === null ? 0 : 1);
  }

  closeOpen(): void {
    if (this.open === null) return;
    this.sizeHintBytes = this.open.uncompressedSizeBytes + 64;
    this.#waiting.push(this.open);
    this.open = null;
    this.isRipe = false;
  }

  /** The batch that may be sent now, or null. */
  next(nowMs: number, oneAtATime: boolean): ProducerBatch | null {
    if (oneAtATime && this.#inFlight > 0) return null;
    if (this.#hasHole && this.#unacked.length === 0) this.#mustRenumber = true;
    if (this.#mustRenumber && !this.#renumber()) return null;
    if (this.#identity !== null && !this.#isEstablished && this.#inFlight > 0) return null;
    const retry = this.#retries[0];
    if (this.#hasHole && retry?.hasSequence !== true) return null;
    if (retry?.hasSequence !== true && this.#unacked.length >= unackedMax) return null;
    if (retry === undefined) return this.#firstUnsent;
    if (retry.retryAtMs > nowMs) return null;
    if (retry.hasSequence && this.#unacked[0] !== retry) return null;
    return retry;
  }

  /** Takes what `next` gave: it is under way from now on. */
  take(batch: ProducerBatch): void {
    if (this.#retries[0] === batch) this.#retries.shift();
    else {
      if (this.open === batch) this.closeOpen();
      assert(this.#waiting[0] === batch, 'only the next batch is taken');
      this.#waiting.shift();
    }
    this.#inFlight++;
    if (this.#identity !== null && !batch.hasSequence) this.#place(batch, this.#identity);
  }

  onAcked(batch: ProducerBatch): void {
    this.#inFlight--;
    this.#forget(batch);
    if (batch.producerEpoch === this.#producerEpoch) this.#isEstablished = true;
  }

  /** The batch will be sent again: it takes its old place among those that wait. */
  onRetry(batch: ProducerBatch): void {
    this.#inFlight--;
    this.#insert([batch]);
  }

  /** The batch was too large: its parts go out instead, in the same place. */
  onSplit(batch: ProducerBatch, parts: readonly ProducerBatch[]): void {
    this.#inFlight--;
    const at = this.#unacked.indexOf(batch);
    if (at >= 0) {
      let sequence = batch.baseSequence;
      for (const part of parts) {
        part.place(batch.producerId, batch.producerEpoch, sequence);
        sequence = sequenceAfter(sequence, part.recordCount);
      }
      this.#unacked.splice(at, 1, ...parts);
    }
    this.#insert(parts);
  }

  /** The batch is given up after it was sent. */
  onFailed(batch: ProducerBatch): void {
    this.#inFlight--;
    this.giveUp(batch);
  }

  /** What was taken last could not be sent: its numbers are those of the next batch. */
  onUnsent(batch: ProducerBatch): void {
    this.#inFlight--;
    this.#forget(batch);
    if (batch.hasSequence) this.#nextSequence = batch.baseSequence;
  }

  /** The batch is given up while it waits. */
  giveUp(batch: ProducerBatch): void {
    for (const list of [this.#retries, this.#waiting]) {
      const at = list.indexOf(batch);
      if (at >= 0) list.splice(at, 1);
    }
    if (this.open === batch) {
      this.open = null;
      this.isRipe = false;
    }
    if (batch.hasSequence) this.#hasHole = true;
    this.#forget(batch);
  }

  /** The broker lost track of our sequence: begin a new one as soon as all answers are in. */
  requestRenumbering(): void {
    this.#mustRenumber = true;
  }

  isFirstUnacked(batch: ProducerBatch): boolean {
    return this.#unacked[0] === batch;
  }

  /** Every batch that waits, the open one included. */
  *unsent(): Iterable<ProducerBatch> {
    yield* [...this.#retries];
    yield* [...this.#waiting];
    if (this.open !== null) yield this.open;
  }

  #forget(batch: ProducerBatch): void {
    const at = this.#unacked.indexOf(batch);
    if (at >= 0) this.#unacked.splice(at, 1);
  }

  #insert(batches: readonly ProducerBatch[]): void {
    const retries = this.#retries;
    const number = (batches[0] as ProducerBatch).number;
    let at = retries.length;
    while (at > 0 && (retries[at - 1] as ProducerBatch).number > number) at--;
    retries.splice(at, 0, ...batches);
  }

  #place(batch: ProducerBatch, identity: ProducerIdentity): void {
    const { producerId, producerEpoch } = identity;
    const isStale = producerId !== this.#producerId || producerEpoch !== this.#producerEpoch;
    if (isStale && this.#unacked.length === 0) {
      this.#producerId = producerId;
      this.#producerEpoch = producerEpoch;
      this.#nextSequence = 0;
      this.#isEstablished = false;
    }
    batch.place(this.#producerId, this.#producerEpoch, this.#nextSequence);
    this.#nextSequence = sequenceAfter(this.#nextSequence, batch.recordCount);
    this.#unacked.push(batch);
  }

  /** False while answers are outstanding, as batches under way still use the old numbers. */
  #renumber(): boolean {
    if (this.#inFlight > 0) return false;
    const identity = this.#identity;
    const isOurs =
      identity?.producerId === this.#producerId && identity.producerEpoch === this.#producerEpoch;
    // The abort that follows brings a new epoch.
    if (isOurs && identity.isTransactional) return false;
    this.#mustRenumber = false;
    this.#hasHole = false;
    if (identity === null) return true;
    if (isOurs) identity.raiseEpoch();
    this.#unacked.length = 0;
    for (const batch of this.#retries) batch.baseSequence = -1;
    this.#producerEpoch = -1;
    this.#isEstablished = false;
    return true;
  }
}
