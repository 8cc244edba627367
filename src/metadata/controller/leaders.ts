// Who leads: elections asked for by an operator, and those that a broker's coming and going makes
// necessary.

import { pushAll } from '../../base/push-all.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { Decision } from '../../machine/index.ts';
import { ErrorCode, KafkaError } from '../../protocol/index.ts';
import type { MetadataImage, PartitionImage } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type ElectLeadersRequest,
  type ElectLeadersResult,
  itemError,
  type ReportOfflineRequest,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { assertBrokerEpoch, canLead } from './registered-broker.ts';

/** Whether the broker may lead and be in sync, once the decision that asks is replayed. */
export type CanLead = (brokerId: number) => boolean;

export function electLeaders(
  machine: ControllerMachine,
  request: ElectLeadersRequest,
): Decision<MetadataRecord, ElectLeadersResult[]> {
  const { image } = machine;
  const records: MetadataRecord[] = [];
  const response: ElectLeadersResult[] = [];
  const alive: CanLead = (id) => canLead(image.brokers.get(id));
  for (const { topic, partition } of request.partitions ?? allPartitions(image)) {
    try {
      records.push(election(image, { topic, partition }, request.type, alive));
      response.push({ topic, partition, error: null });
    } catch (error) {
      const failure = itemError(error);
      // Who asked for all of them wants to hear of those that changed or should have.
      const isQuiet = request.partitions === null && failure.code === ErrorCode.ELECTION_NOT_NEEDED;
      if (!isQuiet) response.push({ topic, partition, error: failure });
    }
  }
  return { records, response };
}

function* allPartitions(image: MetadataImage) {
  for (const topic of image.topics()) {
    for (const partition of topic.partitions.keys()) yield { topic: topic.name, partition };
  }
}

function election(
  image: MetadataImage,
  { topic, partition: partitionId }: { topic: string; partition: number },
  type: ElectLeadersRequest['type'],
  alive: CanLead,
): MetadataRecord {
  const topicId = image.topic(topic)?.id;
  const partition = image.partition(topic, partitionId);
  if (topicId === undefined) {
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${topic}`);
  }
  if (partition === undefined) {
    const message = `No such partition as ${topic}-${partitionId}`;
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message);
  }
  const change = { type: 'PartitionChangeRecord', topicId, partitionId } as const;
  if (type === 'preferred') {
    const preferred = partition.replicas[0] as number;
    if (partition.leader === preferred) throw new KafkaError('ELECTION_NOT_NEEDED');
    if (!partition.isr.includes(preferred) || !alive(preferred)) {
      throw new KafkaError('PREFERRED_LEADER_NOT_AVAILABLE');
    }
    return { ...change, leader: preferred };
  }
  if (partition.leader !== -1) throw new KafkaError('ELECTION_NOT_NEEDED');
  const inSync = firstAlive(partition, alive);
  if (inSync !== null) return { ...change, leader: inSync };
  const any = partition.replicas.find(alive);
  if (any === undefined) throw new KafkaError('ELIGIBLE_LEADERS_NOT_AVAILABLE');
  return { ...change, leader: any, isr: [any], leaderRecoveryState: 1 };
}

function firstAlive(partition: PartitionImage, alive: CanLead): number | null {
  return partition.replicas.find((id) => partition.isr.includes(id) && alive(id)) ?? null;
}

/**
 * The broker stops serving: it leaves every ISR but one of which it is the last member, which it
 * keeps, leaderless, because only it has all the records.
 */
export function* withoutBroker(
  image: MetadataImage,
  brokerId: number,
): Generator<MetadataRecord, void, undefined> {
  const alive: CanLead = (id) => id !== brokerId && canLead(image.brokers.get(id));
  for (const topic of image.topics()) {
    for (const [partitionId, partition] of topic.partitions.entries()) {
      yield* withoutMember(partition, { topicId: topic.id, partitionId }, { brokerId, alive });
    }
  }
}

/**
 * The broker lives and some of its replicas do not: it leaves their ISR, but one of which it is
 * the last member, which it keeps, leaderless, as it would when it stopped.
 */
export function reportOffline(
  machine: ControllerMachine,
  request: ReportOfflineRequest,
): Decision<MetadataRecord, void> {
  const { image } = machine;
  const { brokerId } = request;
  assertBrokerEpoch(image, brokerId, request.brokerEpoch);
  const alive: CanLead = (id) => id !== brokerId && canLead(image.brokers.get(id));
  const records: MetadataRecord[] = [];
  for (const { topicId, partitionIndex: partitionId } of request.partitions) {
    const partition = image.topicById(topicId)?.partitions[partitionId];
    if (partition !== undefined) {
      pushAll(records, withoutMember(partition, { topicId, partitionId }, { brokerId, alive }));
    }
  }
  return { records, response: undefined };
}

function* withoutMember(
  partition: PartitionImage,
  at: { readonly topicId: Uuid; readonly partitionId: number },
  { brokerId, alive }: { readonly brokerId: number; readonly alive: CanLead },
): Generator<MetadataRecord, void, undefined> {
  const { isr, leader } = partition;
  if (!isr.includes(brokerId)) return;
  const rest = isr.filter((id) => id !== brokerId);
  const isLeader = leader === brokerId;
  if (rest.length === 0 && !isLeader) return;
  const change = { type: 'PartitionChangeRecord', ...at } as const;
  const isrChange = rest.length === 0 ? {} : { isr: rest };
  if (!isLeader) yield { ...change, ...isrChange };
  else yield { ...change, ...isrChange, leader: firstAlive(partition, alive) ?? -1 };
}

/** The broker serves again: partitions that wait for it, in sync as it is, get it as leader. */
export function* withBroker(
  image: MetadataImage,
  brokerId: number,
): Generator<MetadataRecord, void, undefined> {
  for (const topic of image.topics()) {
    for (const [partitionId, partition] of topic.partitions.entries()) {
      const { isr } = partition;
      if (partition.leader !== -1 || !isr.includes(brokerId)) continue;
      // The ISR too: in a log that Kafka began it may have been empty (KIP-966, see delta.ts).
      const change = { type: 'PartitionChangeRecord', topicId: topic.id, partitionId } as const;
      yield { ...change, leader: brokerId, isr };
    }
  }
}

/** Names the leader again, which begins a new leader epoch. */
export function* newEpochsOf(
  image: MetadataImage,
  brokerId: number,
): Generator<MetadataRecord, void, undefined> {
  for (const topic of image.topics()) {
    for (const [partitionId, { leader }] of topic.partitions.entries()) {
      if (leader !== brokerId) continue;
      yield { type: 'PartitionChangeRecord', topicId: topic.id, partitionId, leader };
    }
  }
}
