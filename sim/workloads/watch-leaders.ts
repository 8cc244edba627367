// A client that asks who leads, how far the watermark is and where partitions end, again and again,
// of whoever is said to lead in the newest epoch that it has heard of, and reports every answer.

import type { Prng } from '../../src/base/prng.ts';
import type { Io } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import {
  ErrorCode,
  fetch,
  KafkaError,
  listOffsets,
  metadata,
  type ResponseOf,
} from '../../src/protocol/index.ts';
import { type PartitionLeaders, type Place, placeName } from '../checkers/index.ts';

export interface WatchLeadersOptions {
  readonly places: readonly Place[];
  readonly brokers: readonly { readonly host: string; readonly port: number }[];
  readonly leaders: PartitionLeaders;
  /** Hears of watermarks as well. */
  readonly onHighWatermark: (place: Place, offset: number) => void;
  readonly pauseMs: number;
  readonly prng: Prng;
}

const latest = -1;
const earliest = -2;
const answerMsMax = 1_000;

/** Never ends: its process is killed. */
export async function watchLeaders(io: Io, options: WatchLeadersOptions): Promise<void> {
  const watch = new Watch(io, options);
  for (;;) {
    await whileReachable(() => watch.askWhoLeads());
    for (const place of options.places) await whileReachable(() => watch.askLeader(place));
    await io.clock.sleep(options.pauseMs * (0.5 + options.prng.float()));
  }
}

/** Brokers come and go here. */
async function whileReachable(ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    const isLost = error instanceof KafkaError || (error as Error).name === 'IoError';
    if (!isLost) throw error;
  }
}

class Watch {
  readonly #io: Io;
  readonly #options: WatchLeadersOptions;
  readonly #connections = new Map<string, ClientConnection>();
  readonly #nodes = new Map<number, { readonly host: string; readonly port: number }>();
  readonly #highWatermarks = new Map<string, number>();

  constructor(io: Io, options: WatchLeadersOptions) {
    this.#io = io;
    this.#options = options;
  }

  async askWhoLeads(): Promise<void> {
    const { brokers, places, prng, leaders } = this.#options;
    const names = [...new Set(places.map(({ topic }) => topic))];
    const connection = await this.#connect(prng.pick(brokers));
    const answer = await connection.request(metadata, {
      topics: names.map((name) => ({ name })),
      allowAutoTopicCreation: false,
    });
    for (const { nodeId, host, port } of answer.brokers) this.#nodes.set(nodeId, { host, port });
    for (const topic of answer.topics) {
      for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions) {
        if (leaderId < 0 || topic.name === null) continue;
        leaders.onLeader({ topic: topic.name, partition: partitionIndex }, leaderEpoch, leaderId);
      }
    }
  }

  async askLeader(place: Place): Promise<void> {
    const { leaders } = this.#options;
    const epoch = leaders.newestEpoch(place);
    const nodeId = leaders.leadersOf(place)[epoch] ?? -1;
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return;
    const connection = await this.#connect(node);
    await this.#askHighWatermark(connection, { place, epoch, nodeId });
    const end = await this.#offsetAt(connection, place, { epoch, timestamp: latest });
    if (end !== null) leaders.onEnd(place, epoch, nodeId, end);
  }

  async #askHighWatermark(
    connection: ClientConnection,
    { place, epoch, nodeId }: { place: Place; epoch: number; nodeId: number },
  ): Promise<void> {
    const { leaders, onHighWatermark } = this.#options;
    const fetchOffset = this.#highWatermarks.get(placeName(place)) ?? 0;
    const answer = await this.#fetch(connection, place, { epoch, fetchOffset });
    if (answer?.errorCode === ErrorCode.NONE) {
      const { highWatermark } = answer;
      leaders.onHighWatermark(place, epoch, nodeId, highWatermark);
      onHighWatermark(place, highWatermark);
      this.#highWatermarks.set(placeName(place), Math.max(fetchOffset, highWatermark));
    } else if (answer?.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      const start = await this.#offsetAt(connection, place, { epoch, timestamp: earliest });
      if (start === null) return;
      leaders.onOutOfRange(place, epoch, fetchOffset, start);
      this.#highWatermarks.set(placeName(place), start);
    }
  }

  async #fetch(
    connection: ClientConnection,
    { topic, partition }: Place,
    { epoch, fetchOffset }: { epoch: number; fetchOffset: number },
  ): Promise<FetchAnswer | undefined> {
    const currentLeaderEpoch = epoch;
    const partitions = [{ partition, currentLeaderEpoch, fetchOffset, partitionMaxBytes: 1 }];
    const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] };
    const response = await connection.request(fetch, request, { versionMax: 12 });
    return response.responses[0]?.partitions[0];
  }

  /** null: it did not say. */
  async #offsetAt(
    connection: ClientConnection,
    { topic, partition }: Place,
    { epoch, timestamp }: { epoch: number; timestamp: number },
  ): Promise<number | null> {
    const partitions = [{ partitionIndex: partition, currentLeaderEpoch: epoch, timestamp }];
    const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] };
    const response = await connection.request(listOffsets, request, { versionMax: 7 });
    const answer = response.topics[0]?.partitions[0];
    return answer?.errorCode === ErrorCode.NONE ? answer.offset : null;
  }

  async #connect(node: { host: string; port: number }): Promise<ClientConnection> {
    const key = `${node.host}:${node.port}`;
    const known = this.#connections.get(key);
    if (known !== undefined && !known.isClosed) return known;
    const connection = await ClientConnection.connect(this.#io, {
      ...node,
      clientId: 'watch-leaders',
      connectTimeoutMs: answerMsMax,
      requestTimeoutMs: answerMsMax,
    });
    this.#connections.set(key, connection);
    return connection;
  }
}

type FetchAnswer = ResponseOf<typeof fetch>['responses'][number]['partitions'][number];
