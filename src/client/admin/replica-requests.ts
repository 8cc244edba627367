// What one replica of a partition holds, read from the broker that has it, whether it leads or
// follows: for who compares replicas. A replica shows what is below its high watermark.

import type { Uuid } from '../../base/uuid.ts';
import { ErrorCode, fetch, type KafkaError, NO_LEADER_EPOCH } from '../../protocol/index.ts';
import type { CallOptions, Client } from '../client.ts';
import type { TopicPartition } from '../leader-requests.ts';
import { groupByTopic } from '../offset-queries.ts';
import { errorOf } from './admin-results.ts';

export interface ReplicaPosition extends TopicPartition {
  readonly topicId: Uuid;
  /** Where to read on. */
  readonly offset: number;
}

/** How `admin.replicas.read` reads. */
export interface ReadReplicaOptions extends CallOptions {
  /** The most bytes of one partition; one batch comes even if it is larger. Default 1 MiB. */
  readonly partitionBytesMax?: number | undefined;
  /** How long the broker may wait for a first record, in milliseconds. Default 500. */
  readonly waitMsMax?: number | undefined;
}

export interface ReplicaContent extends TopicPartition {
  readonly error: KafkaError | null;
  readonly highWatermark: number;
  /** Record batches as they lie in the file; the last one may be cut short. */
  readonly batches: Buffer;
}

const none = Buffer.alloc(0);

/** Reads what single replicas hold, to compare them; it is `admin.replicas`. */
export class ReplicaRequests {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * What the broker has from the positions on; asked once, in the order of the positions. A broker
   * that follows a partition answers since KIP-392, which is Kafka 2.4.
   *
   * @throws KafkaError, IoError if the broker does not answer
   */
  async read(
    nodeId: number,
    positions: readonly ReplicaPosition[],
    { partitionBytesMax = 1_048_576, waitMsMax = 500, timeoutMs }: ReadReplicaOptions = {},
  ): Promise<ReplicaContent[]> {
    const body = {
      maxWaitMs: waitMsMax,
      minBytes: 1,
      topics: groupByTopic(positions).map(([topic, group]) => ({
        topic,
        topicId: (group[0] as ReplicaPosition).topicId,
        partitions: group.map(({ partition, offset }) => ({
          partition,
          currentLeaderEpoch: NO_LEADER_EPOCH,
          fetchOffset: offset,
          partitionMaxBytes: partitionBytesMax,
        })),
      })),
    };
    if (!this.#client.cache.nodes.has(nodeId)) await this.#client.refresh();
    const asMs = timeoutMs ?? this.#client.options.requestTimeoutMs;
    const answer = await this.#client.requestTo(nodeId, fetch, body, { timeoutMs: asMs });
    const nameOf = new Map(positions.map(({ topic, topicId }) => [topicId, topic]));
    const found = new Map<string, ReplicaContent>();
    for (const { topic: name, topicId, partitions } of answer.responses) {
      const topic = name || (nameOf.get(topicId) ?? '');
      for (const { partitionIndex: partition, errorCode, highWatermark, records } of partitions) {
        const error = errorOf(errorCode, null);
        const content = { topic, partition, error, highWatermark, batches: records ?? none };
        found.set(`${topic}-${partition}`, content);
      }
    }
    const whole = errorOf(answer.errorCode || ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null);
    return positions.map(
      ({ topic, partition }) =>
        found.get(`${topic}-${partition}`) ?? {
          ...{ topic, partition, error: whole, highWatermark: -1, batches: none },
        },
    );
  }
}
