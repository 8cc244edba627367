// A client that costs next to nothing: it sends prepared frames, keeps a number of them in flight
// and looks at the answers only as far as it must. It speaks to any broker of the protocol, so
// that the broker is what is measured. Setting up is done with the ordinary connection.

import { Prng } from '../src/base/prng.ts';
import type { Connection, ConnectTls, Io } from '../src/io/index.ts';
import { ClientConnection, FrameReader } from '../src/network/index.ts';
import {
  compressionByName,
  createTopics,
  decodeResponse,
  encodeBatch,
  encodeRequest,
  errorName,
  fetch,
  produce,
} from '../src/protocol/index.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
  /** Absent: the stream is plain. */
  readonly tls?: ConnectTls;
}

export interface Target extends Address {
  readonly topic: string;
}

/** Versions that name topics by name, of our broker and of every Kafka since 2.7. */
export const produceVersion = 9;
export const fetchVersion = 12;
/** Times are part of what is stored: with a fixed one two runs move the same bytes. */
const timestamp = Date.UTC(2026, 0, 1);

export interface PreparedBatch {
  readonly bytes: Buffer;
  readonly recordCount: number;
}

/**
 * A batch of about the size before it is compressed: of records with random values, or of text as
 * programs write it if there is a codec.
 */
export function prepareBatch(
  batchBytes: number,
  recordBytes: number,
  codec = 'none',
): PreparedBatch {
  const random = new Prng(1);
  const perRecord = recordBytes + 10;
  const recordCount = Math.max(1, Math.floor((batchBytes - 61) / perRecord));
  const compression = compressionByName[codec];
  if (compression === undefined) throw new Error(`no codec ${codec}`);
  const records = Array.from({ length: recordCount }, () => ({
    value: compression === 0 ? random.bytes(recordBytes) : textOf(random, recordBytes),
    timestamp,
  }));
  return { bytes: encodeBatch({ records, compression }), recordCount };
}

function textOf(random: Prng, sizeBytes: number): Buffer {
  let text = '';
  while (text.length < sizeBytes) {
    text += `{"user":"user-${random.int(5000)}","amount":${random.int(100_000)},"status":"paid"}`;
  }
  return Buffer.from(text.slice(0, sizeBytes));
}

export function produceFrame(target: Target, batch: PreparedBatch, acks: number): Buffer {
  const body = {
    acks,
    timeoutMs: 30_000,
    topicData: [{ name: target.topic, partitionData: [{ index: 0, records: batch.bytes }] }],
  };
  const header = { correlationId: 1, clientId: 'bench' };
  return Buffer.concat(encodeRequest(produce, produceVersion, header, body));
}

export function fetchFrame(target: Target, offset: number, bytesMax: number): Buffer {
  const partition = { partition: 0, fetchOffset: offset, partitionMaxBytes: bytesMax };
  const body = {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: Math.max(bytesMax, 1),
    topics: [{ topic: target.topic, partitions: [partition] }],
    forgottenTopicsData: [],
  };
  const header = { correlationId: 1, clientId: 'bench' };
  return Buffer.concat(encodeRequest(fetch, fetchVersion, header, body));
}

export class WireClient {
  readonly #connection: Connection;
  readonly #reader = new FrameReader();
  #onFrame: (frame: Buffer) => void = () => {};
  #onEnd: (error: Error) => void = () => {};

  private constructor(connection: Connection) {
    this.#connection = connection;
    connection.onData = (chunk) => {
      this.#reader.feed(chunk);
      for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
        this.#onFrame(frame);
      }
    };
    connection.onClose = (error) => this.#onEnd(error ?? new Error('the broker hung up'));
  }

  static async connect(io: Io, address: Address): Promise<WireClient> {
    return new WireClient(await io.network.connect(address));
  }

  /**
   * Sends `count` frames, `inFlight` at a time, and resolves with the last answer when all are
   * answered; `frameOf` is asked for each when it is sent.
   */
  exchange(
    count: number,
    inFlight: number,
    frameOf: (index: number) => Buffer,
    onAnswer: (frame: Buffer) => void = () => {},
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let sent = 0;
      let answered = 0;
      const send = (): void => {
        while (sent < count && sent - answered < inFlight) {
          this.#connection.write([frameOf(sent++)]);
        }
      };
      this.#onEnd = reject;
      this.#onFrame = (frame) => {
        answered++;
        onAnswer(frame);
        if (answered === count) resolve(frame);
        else send();
      };
      send();
    });
  }

  close(): void {
    this.#onEnd = () => {};
    this.#connection.destroy();
  }
}

/** @throws if the answer has an error */
export function producedOffset(frame: Buffer): number {
  const { body } = decodeResponse(produce, produceVersion, frame);
  const answer = body.responses[0]?.partitionResponses[0];
  if (answer?.errorCode !== 0) throw new Error(`produce: ${errorName(answer?.errorCode ?? -1)}`);
  return answer.baseOffset;
}

/** The records of the answer. @throws if it has an error */
export function fetchedRecords(frame: Buffer): Buffer {
  const { body } = decodeResponse(fetch, fetchVersion, frame);
  const answer = body.responses[0]?.partitions[0];
  if (answer?.errorCode !== 0) throw new Error(`fetch: ${errorName(answer?.errorCode ?? -1)}`);
  return answer.records ?? Buffer.alloc(0);
}

/** Creates the topic; waits until the broker takes requests, as clients do at its start. */
export async function createTopic(io: Io, target: Target, partitions = 1): Promise<void> {
  const topic = {
    name: target.topic,
    numPartitions: partitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  };
  const connection = await ClientConnection.connect(io, { ...target, clientId: 'bench' });
  try {
    const answer = await connection.request(
      createTopics,
      { topics: [topic], timeoutMs: 120_000 },
      { timeoutMs: 120_000 },
    );
    const { errorCode, errorMessage } = answer.topics[0] ?? { errorCode: -1, errorMessage: '' };
    if (errorCode !== 0) throw new Error(`create topic: ${errorName(errorCode)} ${errorMessage}`);
  } finally {
    connection.close();
  }
}
