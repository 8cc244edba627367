// A partition as its answers to Fetch show it, batch by batch, with what is wrong with it: a reader
// that does not give up where a consumer would, but goes on behind it.

import type { Io } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import { ErrorCode, fetch, readBatchHeader } from '../../src/protocol/index.ts';
import { type Place, wholeBatchAt } from '../checkers/index.ts';

export interface RawRead extends Place {
  /** By base offset. */
  readonly batches: ReadonlyMap<number, Buffer>;
  /** What was answered instead of batches, and to which offset: 0 is an answer without any. */
  readonly failures: readonly { readonly offset: number; readonly errorCode: number }[];
  /** Base offsets of what a reader of committed records is shown. */
  readonly committed: ReadonlySet<number>;
  readonly logStartOffset: number;
  readonly highWatermark: number;
}

export interface RawReadOptions {
  readonly host: string;
  readonly port: number;
  readonly partitionMaxBytes: number;
  /** Where batches begin: for going on behind what cannot be read. */
  readonly stops: readonly number[];
}

/** While a broker that has just started is not ready for the partition. */
const passing: readonly number[] = [
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
];
const passingMsMax = 5_000;
const pauseMs = 250;

export async function readRaw(io: Io, place: Place, options: RawReadOptions): Promise<RawRead> {
  const { host, port, stops } = options;
  const connection = await ClientConnection.connect(io, { host, port, clientId: 'raw' });
  const reader = new RawReader(io, connection, place, options);
  await reader.read(stops);
  await reader.readCommitted(stops);
  connection.close();
  return reader;
}

class RawReader implements RawRead {
  readonly topic: string;
  readonly partition: number;
  readonly batches = new Map<number, Buffer>();
  readonly failures: { offset: number; errorCode: number }[] = [];
  readonly committed = new Set<number>();
  logStartOffset = -1;
  highWatermark = -1;
  readonly #io: Io;
  readonly #connection: ClientConnection;
  readonly #options: RawReadOptions;

  constructor(io: Io, connection: ClientConnection, place: Place, options: RawReadOptions) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.#io = io;
    this.#connection = connection;
    this.#options = options;
  }

  async read(stops: readonly number[]): Promise<void> {
    const behind = (offset: number): number | undefined => stops.find((stop) => stop > offset);
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      const answer = await this.#fetch(offset, 0);
      const { errorCode, logStartOffset, highWatermark } = answer;
      if (errorCode === 0) {
        this.logStartOffset = logStartOffset;
        this.highWatermark = highWatermark;
      }
      const end = errorCode === 0 ? this.#take(answer.records ?? Buffer.alloc(0)) : null;
      if (end !== null && end > offset) {
        offset = end;
        continue;
      }
      if (errorCode !== 0 || offset < highWatermark) this.failures.push({ offset, errorCode });
      offset = behind(offset);
    }
  }

  /** Takes whole batches, and returns where they end. */
  #take(bytes: Buffer): number | null {
    let end: number | null = null;
    for (let at = 0; ; ) {
      const header = wholeBatchAt(bytes, at);
      if (header === null) return end;
      this.batches.set(header.baseOffset, bytes.subarray(at, at + header.sizeBytes));
      end = header.lastOffset + 1;
      at += header.sizeBytes;
    }
  }

  /** As a consumer does it: who aborted what comes with the answer. */
  async readCommitted(stops: readonly number[]): Promise<void> {
    const behind = (offset: number): number | undefined => stops.find((stop) => stop > offset);
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      const answer = await this.#fetch(offset, 1);
      const end = answer.errorCode === 0 ? this.#takeCommitted(answer) : null;
      offset = end !== null && end > offset ? end : behind(offset);
    }
  }

  #takeCommitted(answer: Answer): number | null {
    const bytes = answer.records ?? Buffer.alloc(0);
    const begun = [...(answer.abortedTransactions ?? [])];
    begun.sort((left, right) => left.firstOffset - right.firstOffset);
    const aborted = new Set<number>();
    let end: number | null = null;
    for (let at = 0; wholeBatchAt(bytes, at) !== null; ) {
      const header = readBatchHeader(bytes, at);
      const { baseOffset, producerId } = header;
      while (begun[0] !== undefined && begun[0].firstOffset <= header.lastOffset) {
        aborted.add(begun[0].producerId);
        begun.shift();
      }
      if (header.isControl) aborted.delete(producerId);
      else if (!header.isTransactional || !aborted.has(producerId)) this.committed.add(baseOffset);
      end = header.lastOffset + 1;
      at += header.sizeBytes;
    }
    return end;
  }

  async #fetch(fetchOffset: number, isolationLevel: 0 | 1): Promise<Answer> {
    const { topic, partition } = this;
    const { partitionMaxBytes } = this.#options;
    const partitions = [{ partition, fetchOffset, partitionMaxBytes }];
    const request = { maxWaitMs: 0, minBytes: 0, isolationLevel, topics: [{ topic, partitions }] };
    for (let waitedMs = 0; ; waitedMs += pauseMs) {
      const response = await this.#connection.request(fetch, request, { versionMax: 12 });
      const answer = response.responses[0]?.partitions[0];
      if (answer === undefined) return { errorCode: response.errorCode, ...nothing };
      if (!passing.includes(answer.errorCode) || waitedMs > passingMsMax) return answer;
      await this.#io.clock.sleep(pauseMs);
    }
  }
}

interface Answer {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly abortedTransactions: readonly { producerId: number; firstOffset: number }[] | null;
  readonly records: Buffer | null;
}

const nothing = { highWatermark: -1, logStartOffset: -1, abortedTransactions: null, records: null };
