// How --describe lays out a topic: a line for the topic, then one per partition, both with tabs
// between the fields. Scripts cut these lines apart: names, order and separators are Kafka's.

import { ZERO_UUID } from '../../base/uuid.ts';
import type {
  ConfigResourceDescription,
  PartitionDescription,
  TopicDescription,
} from '../../client/index.ts';

export interface DescribeFlags {
  underReplicatedPartitions?: true;
  unavailablePartitions?: true;
  underMinIsrPartitions?: true;
  atMinIsrPartitions?: true;
  topicsWithOverrides?: true;
}

/** Whether the configs of the topics are needed to describe them. */
export function takesConfigs(flags: DescribeFlags): boolean {
  const isAboutIsr = flags.underMinIsrPartitions || flags.atMinIsrPartitions;
  return !picksPartitions(flags) || isAboutIsr === true;
}

function picksPartitions(flags: DescribeFlags): boolean {
  return (
    flags.underReplicatedPartitions === true ||
    flags.unavailablePartitions === true ||
    flags.underMinIsrPartitions === true ||
    flags.atMinIsrPartitions === true
  );
}

export function describeText(
  topic: TopicDescription,
  configs: ConfigResourceDescription | undefined,
  flags: DescribeFlags,
): string {
  const lines: string[] = [];
  const overrides = (configs?.configs ?? []).filter(({ source }) => source !== 'DEFAULT_CONFIG');
  if (!picksPartitions(flags) && (!flags.topicsWithOverrides || overrides.length > 0)) {
    lines.push(topicLine(topic, overrides));
  }
  const isrMin = Number(
    configs?.configs.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1,
  );
  for (const partition of topic.partitions) {
    if (!isShown(partition, isrMin, flags)) continue;
    lines.push(partitionLine(topic.name, partition));
  }
  return lines.map((line) => `${line}\n`).join('');
}

function topicLine(
  topic: TopicDescription,
  overrides: readonly { readonly name: string; readonly value: string | null }[],
): string {
  const id = topic.topicId === ZERO_UUID ? '' : `\tTopicId: ${topic.topicId}`;
  const configs = overrides.map(({ name, value }) => `${name}=${value}`).join(',');
  return (
    `Topic: ${topic.name}${id}\tPartitionCount: ${topic.partitions.length}` +
    `\tReplicationFactor: ${topic.partitions[0]?.replicas.length ?? 0}\tConfigs: ${configs}`
  );
}

function partitionLine(topic: string, partition: PartitionDescription): string {
  const { leader, replicas, isr, eligibleLeaderReplicas, lastKnownElr } = partition;
  return (
    `\tTopic: ${topic}\tPartition: ${partition.partition}` +
    `\tLeader: ${leader < 0 ? 'none' : leader}` +
    `\tReplicas: ${replicas.join(',')}\tIsr: ${isr.join(',')}` +
    `\tElr: ${eligibleLeaderReplicas?.join(',') ?? 'N/A'}` +
    `\tLastKnownElr: ${lastKnownElr?.join(',') ?? 'N/A'}`
  );
}

function isShown(partition: PartitionDescription, isrMin: number, flags: DescribeFlags): boolean {
  if (!picksPartitions(flags)) return !flags.topicsWithOverrides;
  const { leader, replicas, isr } = partition;
  return (
    (flags.underReplicatedPartitions === true && isr.length < replicas.length) ||
    (flags.unavailablePartitions === true && leader < 0) ||
    (flags.underMinIsrPartitions === true && (leader < 0 || isr.length < isrMin)) ||
    (flags.atMinIsrPartitions === true && isr.length === isrMin)
  );
}
