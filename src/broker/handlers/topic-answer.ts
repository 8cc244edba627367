// How a topic is described to clients, by Metadata and DescribeTopicPartitions alike.

import type { PartitionImage, TopicImage } from '../../metadata/index.ts';
import { ErrorCode } from '../../protocol/index.ts';
import type { Replicas } from '../../replication/index.ts';

const internalTopics = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
]);

export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name);
}

/** A topic name as Kafka allows it. */
export function isTopicName(name: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..';
}

export interface PartitionAnswer {
  readonly errorCode: number;
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  readonly offlineReplicas: readonly number[];
}

export function partitionAnswers(topic: TopicImage, replicas: Replicas): PartitionAnswer[] {
  return topic.partitions.map((_, index) => partitionAnswer(topic, index, replicas));
}

/** Nobody is sent here for a partition whose log is still to be made. */
export function partitionAnswer(
  topic: TopicImage,
  index: number,
  replicas: Replicas,
): PartitionAnswer {
  const { image } = replicas;
  const partition = topic.partitions[index] as PartitionImage;
  const isMaking = partition.leader === replicas.nodeId && replicas.isMaking(topic.id, index);
  const hasLeader = partition.leader >= 0 && image.isAlive(partition.leader) && !isMaking;
  return {
    errorCode: hasLeader ? 0 : ErrorCode.LEADER_NOT_AVAILABLE,
    partitionIndex: index,
    leaderId: hasLeader ? partition.leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.replicas.filter((replica) => !image.isAlive(replica)),
  };
}

/** Results about partitions as answers have them: by topic, in the order of first mention. */
export function groupedByTopic<R extends { readonly topic: string }>(
  results: readonly R[],
): Map<string, R[]> {
  const groups = new Map<string, R[]>();
  for (const result of results) {
    const group = groups.get(result.topic);
    if (group === undefined) groups.set(result.topic, [result]);
    else group.push(result);
  }
  return groups;
}
