// Records of one partition that travel and succeed together. It is open while records are added,
// then built into bytes once; a retry sends the same bytes, only the producer id, epoch and
// sequence may be written anew.
//
// Invariant: every record's callback is called exactly once, and `done` resolves after them.

import { assert } from '../../base/assert.ts';
import { writeInt64 } from '../../base/int64.ts';
import {
  type BatchBuilder,
  crc32c,
  decodeRecords,
  encodeBatch,
  type RecordInput,
  readBatchHeader,
} from '../../protocol/index.ts';
import type { ResolvedProducerOptions } from './producer-options.ts';
import type { DeliveryCallback, RecordMetadata } from './producer-record.ts';

// Where the fields lie that change when a batch gets another place in the sequence.
const crcAt = 17;
const attributesAt = 21;
const producerIdAt = 43;
const producerEpochAt = 51;
const baseSequenceAt = 53;

export interface BatchPlace {
  readonly topic: string;
  readonly partition: number;
}

export interface DeliveredAt {
  readonly baseOffset: number;
  /** -1 for create time. */
  readonly logAppendTimeMs: number;
}

export class ProducerBatch {
  readonly topic: string;
  readonly partition: number;
  /** Orders batches of one partition: it grows with every new batch. Parts share a whole's span. */
  readonly number: number;
  readonly #span: number;
  readonly createdMs: number;
  recordCount = 0;
  /** What it counts against the producer's memory. */
  memoryBytes = 0;
  /** Of its largest record. */
  recordBytesMax = 0;
  failures = 0;
  /** Why the last attempt failed. */
  lastError: Error | null = null;
  /** Not to be sent again before this time. */
  retryAtMs = 0;
  producerId = -1;
  producerEpoch = -1;
  /** -1 until it has a place in the sequence. */
  baseSequence = -1;
  /** An attempt under its present numbers ended without an answer that says it is not. */
  mayBeStored = false;
  isDone = false;
  failure: Error | null = null;
  onDone: (error: Error | null) => void = () => {};
  /** Told of what a callback throws: that is nobody's else's trouble. */
  onThrown: (error: unknown) => void = () => {};

  #builder: BatchBuilder | null;
  #built: Buffer | null = null;
  /** By record index; null while nobody asked. */
  #callbacks: (DeliveryCallback | null)[] | null = null;
  #timestamps: number[] | null = null;

  constructor(
    place: BatchPlace,
    order: { readonly number: number; readonly span?: number },
    createdMs: number,
    builder: BatchBuilder | null,
  ) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.number = order.number;
    this.#span = order.span ?? 1;
    this.createdMs = createdMs;
    this.#builder = builder;
  }

  /**
   * Halves of this batch, for a broker that finds it too large: encoded anew, each with the
   * callbacks of its records. null if it holds a single record.
   */
  split(options: ResolvedProducerOptions): ProducerBatch[] | null {
    const built = this.build(options);
    if (this.recordCount < 2) return null;
    const records = decodeRecords(built, readBatchHeader(built, 0));
    const span = this.#span / 2;
    const middle = Math.ceil(records.length / 2);
    return [records.slice(0, middle), records.slice(middle)].map((half, index) => {
      const order = { number: this.number + index * span, span };
      const part = new ProducerBatch(this, order, this.createdMs, null);
      const { compression, compressionLevel: level } = options;
      part.#built = encodeBatch({
        records: half.map(({ key, value, headers, timestamp }) => {
          return { key, value, headers, timestamp };
        }),
        compression,
        level,
        isTransactional: options.transactionalId !== null,
      });
      part.recordCount = half.length;
      part.memoryBytes = part.#built.length;
      const first = index * middle;
      part.#callbacks = this.#callbacks?.slice(first, first + half.length) ?? null;
      part.#timestamps = this.#timestamps?.slice(first, first + half.length) ?? null;
      return part;
    });
  }

  get hasSequence(): boolean {
    return this.baseSequence >= 0;
  }

  get sizeBytes(): number {
    return this.#built?.length ?? this.#builder?.sizeBytes ?? 0;
  }

  get uncompressedSizeBytes(): number {
    return this.#builder?.uncompressedSizeBytes ?? this.sizeBytes;
  }

  /** False, with nothing changed, when the batch is full. */
  append(record: RecordInput, callback: DeliveryCallback | null): boolean {
    assert(this.#builder !== null, 'records are added before a batch is built');
    const before = this.#builder.uncompressedSizeBytes;
    if (!this.#builder.append(record)) return false;
    const recordBytes = this.#builder.uncompressedSizeBytes - before;
    if (recordBytes > this.recordBytesMax) this.recordBytesMax = recordBytes;
    this.memoryBytes += recordBytes;
    if (callback !== null) {
      this.#callbacks ??= [];
      this.#timestamps ??= [];
      while (this.#callbacks.length < this.recordCount) {
        this.#callbacks.push(null);
        this.#timestamps.push(-1);
      }
      this.#callbacks.push(callback);
      this.#timestamps.push(record.timestamp ?? -1);
    }
    this.recordCount++;
    return true;
  }

  /** The bytes as they go out now. They do not change while a request with them is under way. */
  build(options: ResolvedProducerOptions): Buffer {
    if (this.#built === null) {
      assert(this.#builder !== null, 'a batch is open or built');
      this.#built = this.#builder.build({
        compression: options.compression,
        level: options.compressionLevel,
        producerId: this.producerId,
        producerEpoch: this.producerEpoch,
        baseSequence: this.baseSequence,
        isTransactional: options.transactionalId !== null,
      });
      this.#builder = null;
    }
    return this.#built;
  }

  /** Gives the batch its place in the sequence of an idempotent producer. */
  place(producerId: number, producerEpoch: number, baseSequence: number): void {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
    this.baseSequence = baseSequence;
    this.mayBeStored = false;
    const built = this.#built;
    if (built === null) return;
    writeInt64(built, producerIdAt, producerId);
    built.writeInt16BE(producerEpoch, producerEpochAt);
    built.writeInt32BE(baseSequence, baseSequenceAt);
    built.writeUInt32BE(crc32c(built, attributesAt, built.length), crcAt);
  }

  succeed(at: DeliveredAt): void {
    if (this.isDone) return;
    this.isDone = true;
    const { topic, partition } = this;
    const callbacks = this.#callbacks;
    if (callbacks !== null) {
      for (let i = 0; i < callbacks.length; i++) {
        const callback = callbacks[i];
        if (callback === null || callback === undefined) continue;
        const offset = at.baseOffset < 0 ? -1 : at.baseOffset + i;
        const created = this.#timestamps?.[i] ?? -1;
        const timestamp = at.logAppendTimeMs >= 0 ? at.logAppendTimeMs : created;
        this.#tell(callback, null, { topic, partition, offset, timestamp });
      }
    }
    this.onDone(null);
  }

  /** `errorOf` may give a record an error of its own (KIP-467). */
  fail(error: Error, errorOf: (index: number) => Error = () => error): void {
    if (this.isDone) return;
    this.isDone = true;
    this.failure = error;
    const callbacks = this.#callbacks;
    let everybodyKnows = callbacks !== null && callbacks.length === this.recordCount;
    for (const [index, callback] of (callbacks ?? []).entries()) {
      if (callback === null) everybodyKnows = false;
      else this.#tell(callback, errorOf(index), null);
    }
    this.onDone(everybodyKnows ? null : error);
  }

  #tell(callback: DeliveryCallback, error: Error | null, metadata: RecordMetadata | null): void {
    try {
      callback(error, metadata);
    } catch (thrown) {
      this.onThrown(thrown);
    }
  }
}
