// The log of a coordinator's machine: one partition of an internal topic that this broker leads.
// What the machine decides in one flush becomes one batch of keyed records (more only where it
// would exceed max.message.bytes), a null value being a tombstone, so that Kafka's tools read it
// and compaction applies to it. Records that are part of a producer's transaction are batches of
// their own, and so is the marker that ends it.
//
// Invariants: everything is appended under the leader epoch in which the log was opened; an append
// resolves when the whole in-sync set has it; the machine's offsets are the partition's.

import { assert } from '../base/assert.ts';
import type { Io } from '../io/index.ts';
import type { LoggedRecords, MachineLog } from '../machine/index.ts';
import {
  BatchBuilder,
  type BatchHeader,
  type BatchRecord,
  batchHeaders,
  type CompressionCodec,
  decodeEndTransactionMarker,
  decodeRecords,
  KafkaError,
  MalformedError,
} from '../protocol/index.ts';
import type { Partition } from '../replication/index.ts';
import type { EndMarker } from '../storage/index.ts';

/** Whose transaction a record is part of. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface KeyedRecord {
  readonly key: Buffer;
  /** null deletes the key. */
  readonly value: Buffer | null;
  readonly producer?: ProducerIdentity | undefined;
}

export interface MachineLogCodec<R> {
  encode(record: R): KeyedRecord;
  /** null: a record that this version does not know; it is left alone. */
  decode(key: Buffer, value: Buffer | null, producer?: ProducerIdentity): R | null;
  /** The records that end transactions; left out where no record is ever part of one. */
  readonly markers?: {
    of(record: R): EndMarker | null;
    recordOf(marker: EndMarker): R;
  };
}

export interface PartitionMachineLogOptions<R> {
  readonly partition: Partition;
  readonly codec: MachineLogCodec<R>;
  readonly compression: CompressionCodec;
  /** Bytes read at a time while the machine is loaded. */
  readonly readBytesMax: number;
  /** What a record that `decode` does not know is replayed as: it counts, and changes nothing. */
  readonly unknown: R;
}

type LoggedRecord = Pick<BatchRecord, 'offset' | 'key' | 'value'>;

/** Waits for the in-sync set are renewed this often; only a change of leader ends them. */
const waitMs = 30_000;

export class PartitionMachineLog<R> implements MachineLog<R> {
  readonly #io: Io;
  readonly #options: PartitionMachineLogOptions<R>;
  readonly #leaderEpoch: number;

  constructor(io: Io, options: PartitionMachineLogOptions<R>) {
    this.#io = io;
    this.#options = options;
    this.#leaderEpoch = options.partition.leaderEpoch;
  }

  get endOffset(): number {
    return this.#options.partition.logEndOffset;
  }

  /** The largest batch the topic takes; an operator may make its segments smaller than that. */
  get batchBytesMax(): number {
    const { messageBytesMax, segmentBytesMax } = this.#options.partition.logView.config;
    return Math.min(messageBytesMax, segmentBytesMax);
  }

  async append(records: readonly R[], expectedEnd: number): Promise<void> {
    const { partition } = this.#options;
    partition.assertLeader(this.#leaderEpoch);
    partition.assertEnoughReplicas();
    this.#assertNobodyElseWrote(expectedEnd);
    this.#appendAll(records);
    await this.#committed(expectedEnd + records.length);
  }

  /**
   * Clients called `__admin_client` may produce to internal topics: the machine that does not know
   * of their records gives way to one that does.
   * @throws KafkaError INVALID_RECORD
   */
  #assertNobodyElseWrote(expectedEnd: number): void {
    const { logEndOffset } = this.#options.partition;
    const state = `${this.#name} ends at ${logEndOffset}, its machine at ${expectedEnd}`;
    assert(logEndOffset >= expectedEnd, state);
    if (logEndOffset === expectedEnd) return;
    throw new KafkaError('INVALID_RECORD', `${state}: somebody else wrote to it`);
  }

  #appendAll(records: readonly R[]): void {
    const { codec, partition } = this.#options;
    const timestamp = this.#io.clock.now();
    let producer: ProducerIdentity | undefined;
    let builder: BatchBuilder | null = null;
    const flush = (): void => {
      if (builder !== null) partition.appendAsLeader(builder.build(), 'coordinator');
      builder = null;
    };
    for (const record of records) {
      const marker = codec.markers?.of(record) ?? null;
      if (marker !== null) {
        flush();
        partition.appendTransactionMarker(marker);
        continue;
      }
      const { key, value, producer: of } = codec.encode(record);
      if (!isSameProducer(of, producer)) flush();
      producer = of;
      if (builder?.append({ key, value, timestamp })) continue;
      flush();
      builder = this.#newBatch(producer);
      builder.append({ key, value, timestamp });
    }
    flush();
  }

  #newBatch(producer: ProducerIdentity | undefined): BatchBuilder {
    const { compression } = this.#options;
    const options = { compression, sizeBytesMax: this.batchBytesMax };
    if (producer === undefined) return new BatchBuilder(options);
    return new BatchBuilder({ ...options, ...producer, isTransactional: true });
  }

  /** Reads what is committed; what an earlier leader appended is awaited first. */
  async *read(from: number): AsyncGenerator<LoggedRecords<R>> {
    const { partition, readBytesMax } = this.#options;
    const end = partition.logEndOffset;
    await this.#committed(end);
    let reached = from;
    for (let next = from; next < end; next = reached) {
      partition.assertLeader(this.#leaderEpoch);
      const { logView, logStartOffset } = partition;
      next = Math.max(next, logStartOffset);
      const read = await partition.read(next, {
        bytesMax: readBytesMax,
        isCommittedOnly: false,
        atLeastOneBatch: true,
      });
      for (const buffer of read.buffers) yield* this.#decode(buffer, next);
      if (read.nextOffset > next) {
        reached = read.nextOffset;
        continue;
      }
      partition.assertLeader(this.#leaderEpoch);
      // Nothing is left here, unless the log was moved or lost its beginning while it was read.
      if (partition.logView === logView && partition.logStartOffset === logStartOffset) break;
    }
    // Compaction or retention took what came last; the next offset is the log's nevertheless.
    if (reached < end) yield { baseOffset: end, endOffset: end, records: [] };
  }

  /** Runs of records with dense offsets; there are gaps where compaction was at work. */
  *#decode(buffer: Buffer, from: number): Generator<LoggedRecords<R>> {
    for (const header of batchHeaders(buffer)) {
      if (header.isControl) {
        yield this.#decodeControl(buffer, header, from);
        continue;
      }
      const producer = header.isTransactional ? header : undefined;
      let records: R[] = [];
      let end = Math.max(header.baseOffset, from);
      for (const record of this.#recordsOf(buffer, header)) {
        const { offset } = record;
        if (offset < from) continue;
        if (offset !== end) {
          yield { baseOffset: end - records.length, endOffset: end, records };
          records = [];
        }
        records.push(this.#decodeRecord(record, producer) ?? this.#options.unknown);
        end = offset + 1;
      }
      const baseOffset = end - records.length;
      yield { baseOffset, endOffset: header.lastOffset + 1, records };
    }
  }

  /** Without all of its records the state would be another: what cannot be read is not skipped. */
  #recordsOf(buffer: Buffer, header: BatchHeader): BatchRecord[] {
    try {
      return decodeRecords(buffer, header);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      const place = `the batch at offset ${header.baseOffset} of ${this.#name}`;
      throw new KafkaError(error.errorName, `${place} cannot be read: ${error.message}`);
    }
  }

  /** What does not parse is as little ours as what we do not know: the rest is served. */
  #decodeRecord({ offset, key, value }: LoggedRecord, producer?: ProducerIdentity): R | null {
    if (key === null) return null;
    try {
      return this.#options.codec.decode(key, value, producer);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#io.log.error(`${this.#name} has a record at ${offset} that says nothing`, {
        because: error.message,
      });
      return null;
    }
  }

  get #name(): string {
    const { topic, partition } = this.#options.partition;
    return `${topic}-${partition}`;
  }

  #decodeControl(buffer: Buffer, header: BatchHeader, from: number): LoggedRecords<R> {
    const { codec } = this.#options;
    const baseOffset = Math.max(header.baseOffset, from);
    const endOffset = header.lastOffset + 1;
    const [record] = this.#recordsOf(buffer, header);
    const marker = record === undefined ? null : decodeEndTransactionMarker(record);
    if (marker === null || codec.markers === undefined || header.baseOffset < from) {
      return { baseOffset, endOffset, records: [] };
    }
    const { producerId, producerEpoch } = header;
    // How its coordinator saw the transaction is not stored, and matters only to the append.
    const transactionVersion = 0;
    const end: EndMarker = { ...marker, producerId, producerEpoch, transactionVersion };
    return { baseOffset, endOffset, records: [codec.markers.recordOf(end)] };
  }

  async #committed(offset: number): Promise<void> {
    const { partition } = this.#options;
    while (partition.highWatermark < offset) {
      partition.assertLeader(this.#leaderEpoch);
      try {
        await partition.offsetReached(offset, this.#io.clock.monotonic() + waitMs);
      } catch (error) {
        const isLate = error instanceof KafkaError && error.errorName === 'REQUEST_TIMED_OUT';
        if (!isLate) throw error;
      }
    }
  }
}

function isSameProducer(a: ProducerIdentity | undefined, b: ProducerIdentity | undefined): boolean {
  return a?.producerId === b?.producerId && a?.producerEpoch === b?.producerEpoch;
}
