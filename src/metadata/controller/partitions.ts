// Adds partitions to topics.

import { pushAll } from '../../base/push-all.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { MetadataImage, TopicImage } from '../image.ts';
import { partitionRecord } from '../image-records.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type CreatePartitionsRequest,
  type CreatePartitionsResult,
  itemError,
  MutationLimit,
  type PartitionsIncrease,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { assertAssignable, newPartition } from './new-partition.ts';
import { placeReplicas } from './placement.ts';
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
      `Attempted to add ${partitionCount} additional partition(s), but only ` +
        `${assignments.length} assignment(s) were specified.`,
    );
  }
  for (const [index, brokerIds] of assignments.entries()) {
    assertAssignable(image, present + index, brokerIds, replicationFactor);
  }
  return { topic, assignments };
}
