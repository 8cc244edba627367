// Consumers that read from followers (KIP-392): one for each broker, which reads every partition
// of which this broker has a replica, whoever leads, and reports every record and every high
// watermark that it is shown. It waits at the broker for what comes, so that it sees the watermark
// in the moment in which the broker takes it.

import type { Io } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import {
  decodeRecords,
  ErrorCode,
  fetch,
  KafkaError,
  listOffsets,
  metadata,
  type ResponseOf,
} from '../../src/protocol/index.ts';
import { identityOf, type Place, placeName, wholeBatchAt } from '../checkers/index.ts';
import type { TailOptions } from './tail-reader.ts';

export interface NearReadersOptions {
  readonly places: readonly Place[];
  /** Broker 1 first. */
  readonly brokers: readonly Address[];
  readonly reads: TailOptions['reads'];
  /** How long a broker may wait for news. Default 500 ms. */
  readonly waitMsMax?: number | undefined;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

const pauseMs = 200;
const answerMsMax = 2_000;
const earliest = -2;
/** Replicas may be reassigned. */
const fetchesPerLook = 20;

/** Never ends: its process is killed. */
export async function readNear(io: Io, options: NearReadersOptions): Promise<void> {
  const readers = options.brokers.map((_, index) => new NearReader(io, index + 1, options));
  await Promise.all(readers.map((reader) => reader.run()));
}

class NearReader {
  readonly #io: Io;
  readonly #nodeId: number;
  readonly #name: string;
  readonly #options: NearReadersOptions;
  readonly #connections = new Map<number, ClientConnection>();
  readonly #positions = new Map<string, number>();
  /** Of which the broker has a replica, and who leads. */
  #leaders = new Map<Place, number>();

  constructor(io: Io, nodeId: number, options: NearReadersOptions) {
    this.#io = io;
    this.#nodeId = nodeId;
    this.#name = `near-${nodeId}`;
    this.#options = options;
  }

  async run(): Promise<void> {
    for (;;) {
      try {
        await this.#look();
        let isGood = this.#leaders.size > 0;
        for (let left = fetchesPerLook; left > 0 && isGood; left--) isGood = await this.#fetch();
      } catch (error) {
        // Brokers come and go here.
        const isLost = error instanceof KafkaError || (error as Error).name === 'IoError';
        if (!isLost) throw error;
      }
      await this.#io.clock.sleep(pauseMs);
    }
  }

  async #look(): Promise<void> {
    const { places } = this.#options;
    const names = [...new Set(places.map(({ topic }) => topic))];
    const connection = await this.#connect(this.#nodeId);
    const { topics } = await connection.request(metadata, {
      topics: names.map((name) => ({ name })),
      allowAutoTopicCreation: false,
    });
    const leaders = new Map<Place, number>();
    for (const { name, partitions } of topics) {
      for (const { partitionIndex, replicaNodes, leaderId } of partitions) {
        const isOf = (each: Place): boolean =>
          each.topic === name && each.partition === partitionIndex;
        const place = places.find(isOf);
        if (place !== undefined && replicaNodes.includes(this.#nodeId)) {
          leaders.set(place, leaderId);
        }
      }
    }
    this.#leaders = leaders;
  }

  /** False: not everything was read. */
  async #fetch(): Promise<boolean> {
    const places = [...this.#leaders.keys()];
    const connection = await this.#connect(this.#nodeId);
    const topics = places.map(({ topic, partition }) => {
      const fetchOffset = this.#positionOf({ topic, partition });
      return { topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 100_000 }] };
    });
    const { waitMsMax = 500 } = this.#options;
    const request = { maxWaitMs: waitMsMax, minBytes: 1, topics };
    const { responses } = await connection.request(fetch, request, { versionMax: 12 });
    let isGood = true;
    for (const { topic, partitions } of responses) {
      for (const answer of partitions) {
        const place = { topic, partition: answer.partitionIndex };
        if (answer.errorCode === ErrorCode.NONE) this.#take(place, answer);
        else isGood = false;
        if (answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) await this.#moveOn(place);
      }
    }
    return isGood;
  }

  #take(place: Place, { highWatermark, records }: Answer): void {
    const { reads } = this.#options;
    const bytes = records ?? Buffer.alloc(0);
    for (let at = 0; ; ) {
      const header = wholeBatchAt(bytes, at);
      if (header === null) break;
      for (const { offset, timestamp, ...record } of decodeRecords(bytes, header)) {
        if (offset < this.#positionOf(place)) continue;
        reads.onRecord(this.#name, { ...identityOf(record), offset, timestamp });
        this.#positions.set(placeName(place), offset + 1);
      }
      at += header.sizeBytes;
    }
    if (highWatermark >= 0) reads.onHighWatermark(this.#name, place, highWatermark);
  }

  /** What was next may be deleted; or the replica has less than it had, and will get it again. */
  async #moveOn(place: Place): Promise<void> {
    const leaders = [...this.#leaders].filter(([{ topic, partition }]) => {
      return topic === place.topic && partition === place.partition;
    });
    const leader = leaders[0]?.[1] ?? -1;
    if (leader < 0) return;
    const connection = await this.#connect(leader);
    const partitions = [{ partitionIndex: place.partition, timestamp: earliest }];
    const request = { replicaId: -1, topics: [{ name: place.topic, partitions }] };
    const { topics } = await connection.request(listOffsets, request, { versionMax: 7 });
    const start = topics[0]?.partitions[0];
    if (start?.errorCode !== ErrorCode.NONE) return;
    const position = Math.max(this.#positionOf(place), start.offset);
    this.#positions.set(placeName(place), position);
  }

  #positionOf(place: Place): number {
    return this.#positions.get(placeName(place)) ?? 0;
  }

  async #connect(nodeId: number): Promise<ClientConnection> {
    const known = this.#connections.get(nodeId);
    if (known !== undefined && !known.isClosed) return known;
    const connection = await ClientConnection.connect(this.#io, {
      ...(this.#options.brokers[nodeId - 1] as Address),
      clientId: this.#name,
      connectTimeoutMs: answerMsMax,
      requestTimeoutMs: answerMsMax,
    });
    this.#connections.set(nodeId, connection);
    return connection;
  }
}

type Answer = ResponseOf<typeof fetch>['responses'][number]['partitions'][number];
