// What is known of the cluster: brokers, controller, and the topics that somebody asked about.
//
// Invariant: for one partition the leader never goes back to an older leader epoch (KIP-320): an
// answer that lags behind what we know from another broker does not undo it.

import type { Uuid } from '../base/uuid.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import type { metadata, ResponseOf } from '../protocol/index.ts';

export interface BrokerNode {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface PartitionMetadata {
  readonly partition: number;
  /** -1 while there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly offlineReplicas: readonly number[];
  readonly errorCode: number;
}

export interface TopicMetadata {
  readonly name: string;
  readonly topicId: Uuid;
  readonly isInternal: boolean;
  readonly errorCode: number;
  /** By partition number, without gaps. */
  readonly partitions: readonly PartitionMetadata[];
  /** Partition numbers that have a leader. */
  readonly available: readonly number[];
}

type MetadataResponse = ResponseOf<typeof metadata>;
type TopicResponse = MetadataResponse['topics'][number];

export class MetadataCache {
  readonly #nodes = new Map<number, BrokerNode>();
  readonly #topics = new Map<string, TopicMetadata>();
  readonly #nameById = new Map<Uuid, string>();
  /** When somebody asked last, on io.clock.monotonic(). */
  refreshedAtMs = Number.NEGATIVE_INFINITY;
  clusterId: string | null = null;
  controllerId = -1;

  get nodes(): ReadonlyMap<number, BrokerNode> {
    return this.#nodes;
  }

  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  topicNameOf(topicId: Uuid): string | undefined {
    return this.#nameById.get(topicId);
  }

  partition(topic: string, partition: number): PartitionMetadata | undefined {
    return this.#topics.get(topic)?.partitions[partition];
  }

  get topics(): Iterable<TopicMetadata> {
    return this.#topics.values();
  }

  /** `isComplete`: the answer names all topics, so that any other is gone. */
  replay(response: MetadataResponse, isComplete = false): void {
    this.#nodes.clear();
    for (const { nodeId, host, port, rack } of response.brokers) {
      this.#nodes.set(nodeId, { nodeId, host, port, rack });
    }
    this.clusterId = response.clusterId;
    this.controllerId = response.controllerId;
    const before = new Set(isComplete ? this.#topics.keys() : []);
    for (const topic of response.topics) {
      if (topic.name === null) continue;
      before.delete(topic.name);
      this.#replayTopic(topic);
    }
    for (const name of before) this.#topics.delete(name);
  }

  /** What a produce or fetch answer says of the leader (KIP-951). */
  replayLeader(topic: string, partition: number, leader: number, leaderEpoch: number): boolean {
    const known = this.#topics.get(topic);
    const before = known?.partitions[partition];
    if (known === undefined || before === undefined) return false;
    if (leader < 0 || leaderEpoch <= before.leaderEpoch || !this.#nodes.has(leader)) return false;
    const partitions = known.partitions.with(partition, {
      ...before,
      leader,
      leaderEpoch,
      errorCode: 0,
    });
    this.#topics.set(topic, { ...known, partitions, available: withLeader(partitions) });
    return true;
  }

  /** Whoever asks next begins with bootstrapServers. */
  forgetNodes(): void {
    this.#nodes.clear();
  }

  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  #replayTopic(topic: TopicResponse): void {
    const name = topic.name as string;
    const before = this.#topics.get(name);
    const isSame = before !== undefined && before.topicId === topic.topicId;
    const partitions = [...topic.partitions]
      .sort((a, b) => a.partitionIndex - b.partitionIndex)
      .map((each): PartitionMetadata => {
        const known = isSame ? before.partitions[each.partitionIndex] : undefined;
        if (known !== undefined && known.leaderEpoch > each.leaderEpoch && each.leaderEpoch >= 0) {
          return known;
        }
        return {
          partition: each.partitionIndex,
          leader: each.leaderId,
          leaderEpoch: each.leaderEpoch,
          replicas: each.replicaNodes,
          isr: each.isrNodes,
          offlineReplicas: each.offlineReplicas,
          errorCode: each.errorCode,
        };
      });
    this.#topics.set(name, {
      name,
      topicId: topic.topicId,
      isInternal: topic.isInternal,
      errorCode: topic.errorCode,
      partitions,
      available: withLeader(partitions),
    });
    if (topic.topicId !== ZERO_UUID) this.#nameById.set(topic.topicId, name);
  }
}

function withLeader(partitions: readonly PartitionMetadata[]): number[] {
  return partitions.filter((each) => each.leader >= 0).map((each) => each.partition);
}
