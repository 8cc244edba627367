// Adds partitions to topics, and takes the in-sync replicas that a leader reports.

import { pushAll } from '../../base/push-all.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { MetadataImage, PartitionImage, TopicImage } from '../image.ts';
import { partitionRecord } from '../image-records.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type AlterPartitionRequest,
  type AlterPartitionResult,
  type CreatePartitionsRequest,
  type CreatePartitionsResult,
  itemError,
  MutationLimit,
  type PartitionAlteration,
  type PartitionsIncrease,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { assertAssignable, newPartition } from './new-partition.ts';
import { placeReplicas } from './placement.ts';
import { assertBrokerEpoch, canLead } from './registered-broker.ts';
import { assertRequestSize } from './topics.ts';

export function createPartitions(
  machine: ControllerMachine,
  request: CreatePartitionsRequest,
): Decision<MetadataRecord, CreatePartitionsResult[]> {
  const records: MetadataRecord[] = [];
  const response: CreatePartitionsResult[] = [];
  const limit = new MutationLimit(request);
  const counts = new Map<string, number>();
  for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1);
  let added = 0;
  for (const topic of request.topics) {
    const count = counts.get(topic.name);
    if (count === undefined) continue;
    counts.delete(topic.name);
    try {
      if (count > 1) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic name.');
      const placed = newReplicas(machine, topic);
      const partitionMutations = placed.assignments.length;
      assertRequestSize(added + partitionMutations);
      limit.take(partitionMutations);
      added += partitionMutations;
      pushAll(records, partitionRecords(machine.image, placed));
      response.push({ name: topic.name, error: null, partitionMutations });
    } catch (error) {
      response.push({ name: topic.name, error: itemError(error), partitionMutations: 0 });
    }
  }
  return { records: request.validateOnly ? [] : records, response };
}

interface PlacedPartitions {
  readonly topic: TopicImage;
  readonly assignments: readonly (readonly number[])[];
}

function* partitionRecords(
  image: MetadataImage,
  { topic, assignments }: PlacedPartitions,
): Generator<MetadataRecord, void, undefined> {
  const first = topic.partitions.length;
  for (const [index, replicas] of assignments.entries()) {
    yield partitionRecord(topic.id, first + index, newPartition(image, replicas));
  }
}

function newReplicas(machine: ControllerMachine, request: PartitionsIncrease): PlacedPartitions {
  const { image, context } = machine;
  const topic = image.topic(request.name);
  if (topic === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
  const present = topic.partitions.length;
  if (request.count === present) {
    throw new KafkaError('INVALID_PARTITIONS', `Topic already has ${present} partition(s).`);
  }
  if (request.count < present) {
    throw new KafkaError(
      'INVALID_PARTITIONS',
      `The topic ${topic.name} currently has ${present} partition(s); ${request.count} would not ` +
        'be an increase.',
    );
  }
  const partitionCount = request.count - present;
  assertRequestSize(partitionCount);
  const replicationFactor = topic.partitions[0]?.replicas.length ?? 1;
  const assignments = request.assignments ?? null;
  if (assignments === null) {
    const size = { partitionCount, replicationFactor };
    return { topic, assignments: placeReplicas(image, size, context.random) };
  }
  if (assignments.length !== partitionCount) {
    throw new KafkaError(
      'INVALID_REPLICA_ASSIGNMENT',
      `${partitionCount} partition(s) are added, but ${assignments.length} are assigned.`,
    );
  }
  for (const [index, brokerIds] of assignments.entries()) {
    assertAssignable(image, present + index, brokerIds, replicationFactor);
  }
  return { topic, assignments };
}

export function alterPartition(
  machine: ControllerMachine,
  request: AlterPartitionRequest,
): Decision<MetadataRecord, AlterPartitionResult[]> {
  const { image } = machine;
  assertBrokerEpoch(image, request.brokerId, request.brokerEpoch);
  const records: MetadataRecord[] = [];
  const response: AlterPartitionResult[] = [];
  for (const alteration of request.partitions) {
    const { topicId, partitionIndex } = alteration;
    try {
      const before = alterable(image, request.brokerId, alteration);
      const isr = alteration.newIsr.map((replica) => replica.brokerId);
      const leaderRecoveryState = alteration.leaderRecoveryState ?? before.leaderRecoveryState;
      const isSame =
        sameMembers(isr, before.isr) && leaderRecoveryState === before.leaderRecoveryState;
      let partition = before;
      if (!isSame) {
        const partitionId = partitionIndex;
        const change = { topicId, partitionId, isr, leaderRecoveryState };
        records.push({ type: 'PartitionChangeRecord', ...change });
        const partitionEpoch = before.partitionEpoch + 1;
        partition = { ...before, isr, leaderRecoveryState, partitionEpoch };
      }
      response.push({ topicId, partitionIndex, partition, error: null });
    } catch (error) {
      response.push({ topicId, partitionIndex, partition: null, error: itemError(error) });
    }
  }
  return { records, response };
}

/** The partition if this leader may make this change now. */
function alterable(
  image: MetadataImage,
  brokerId: number,
  alteration: PartitionAlteration,
): PartitionImage {
  const topic = image.topicById(alteration.topicId);
  if (topic === undefined) throw new KafkaError('UNKNOWN_TOPIC_ID');
  const partition = topic.partitions[alteration.partitionIndex];
  if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
  const { leaderEpoch, partitionEpoch } = alteration;
  // A leader that is ahead of us has heard from a newer controller: we are the stale one.
  if (leaderEpoch > partition.leaderEpoch || partitionEpoch > partition.partitionEpoch) {
    throw new KafkaError('NOT_CONTROLLER', 'The broker knows a newer state of the partition.');
  }
  if (leaderEpoch < partition.leaderEpoch) throw new KafkaError('FENCED_LEADER_EPOCH');
  if (brokerId !== partition.leader) {
    throw new KafkaError('INVALID_REQUEST', `Broker ${brokerId} is not the leader.`);
  }
  if (partitionEpoch < partition.partitionEpoch) throw new KafkaError('INVALID_UPDATE_VERSION');
  assertIsr(image, partition, alteration);
  return partition;
}

function assertIsr(
  image: MetadataImage,
  partition: PartitionImage,
  alteration: PartitionAlteration,
): void {
  const { newIsr } = alteration;
  const ids = newIsr.map((replica) => replica.brokerId);
  if (new Set(ids).size !== ids.length || !ids.every((id) => partition.replicas.includes(id))) {
    throw new KafkaError('INVALID_REQUEST', 'The ISR must be a subset of the replicas.');
  }
  if (!ids.includes(partition.leader)) {
    throw new KafkaError('INVALID_REQUEST', 'The ISR must contain the leader.');
  }
  if (alteration.leaderRecoveryState === 1) {
    if (ids.length > 1) {
      throw new KafkaError('INVALID_REQUEST', 'A leader that recovers is alone in the ISR.');
    }
    if (partition.leaderRecoveryState === 0) {
      throw new KafkaError('INVALID_REQUEST', 'A leader that has recovered stays so.');
    }
  }
  for (const { brokerId, brokerEpoch } of newIsr) {
    const broker = image.brokers.get(brokerId);
    const isStale = brokerEpoch !== -1 && broker?.epoch !== brokerEpoch;
    if (isStale || !canLead(broker)) {
      throw new KafkaError('INELIGIBLE_REPLICA', `Broker ${brokerId} cannot join the ISR now.`);
    }
  }
}

function sameMembers(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((each) => right.includes(each));
}
