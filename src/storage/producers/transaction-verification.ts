// What is remembered of a producer while the transaction coordinator is asked about its first batch
// of a transaction in this partition (KIP-890). A batch is appended only while the verification
// that was begun for it stands: whatever the transaction does here in between (its first batch, or
// the marker that ends it) ends the verification too, so that a batch that comes too late is
// refused instead of opening a transaction that nobody would ever close.

/** A batch that is to open a transaction. */
export interface OpeningBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** Each transaction of this producer has an epoch of its own, and begins with sequence 0. */
  readonly hasOwnEpoch: boolean;
}

export class TransactionVerification {
  readonly hasOwnEpoch: boolean;
  readonly beganMs: number;
  #epoch: number;
  #lowestSequence: number;

  constructor(batch: OpeningBatch, beganMs: number) {
    this.hasOwnEpoch = batch.hasOwnEpoch;
    this.beganMs = beganMs;
    this.#epoch = batch.producerEpoch;
    this.#lowestSequence = batch.baseSequence;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** No batch may come before the one that has it: of several in flight the first opens. */
  get lowestSequence(): number {
    return this.#lowestSequence;
  }

  onRepeated({ producerEpoch, baseSequence }: OpeningBatch): void {
    const isNewEpoch = producerEpoch > this.#epoch;
    if (isNewEpoch) this.#epoch = producerEpoch;
    const isLower = producerEpoch === this.#epoch && baseSequence < this.#lowestSequence;
    if (isNewEpoch || isLower) this.#lowestSequence = baseSequence;
  }
}

/** The verifications under way in one partition, by producer. */
export class TransactionVerifications {
  readonly #byProducer = new Map<number, TransactionVerification>();

  of(producerId: number): TransactionVerification | undefined {
    return this.#byProducer.get(producerId);
  }

  begin(batch: OpeningBatch, nowMs: number): TransactionVerification {
    const known = this.#byProducer.get(batch.producerId);
    if (known !== undefined) {
      known.onRepeated(batch);
      return known;
    }
    const verification = new TransactionVerification(batch, nowMs);
    this.#byProducer.set(batch.producerId, verification);
    return verification;
  }

  /** A transactional batch of the producer is in the log. */
  onAppended(batch: { producerId: number; producerEpoch: number; isControl: boolean }): void {
    const verification = this.#byProducer.get(batch.producerId);
    if (verification === undefined) return;
    // Where each transaction has its own epoch, the marker of the one before has that of this one.
    const { hasOwnEpoch, epoch } = verification;
    if (batch.isControl && hasOwnEpoch && batch.producerEpoch === epoch) return;
    this.#byProducer.delete(batch.producerId);
  }

  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, { beganMs }] of this.#byProducer) {
      if (nowMs - beganMs >= expirationMs) this.#byProducer.delete(producerId);
    }
  }

  clear(): void {
    this.#byProducer.clear();
  }
}
