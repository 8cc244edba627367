// Creates and deletes topics.

import { type Uuid, uuidFromBytes, ZERO_UUID } from '../../base/uuid.ts';
import type { Random } from '../../io/index.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { ResourceType } from '../image.ts';
import { partitionRecord } from '../image-records.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type CreatableTopic,
  type CreateTopicResult,
  type CreateTopicsRequest,
  type DeleteTopicResult,
  type DeleteTopicsRequest,
  type ItemError,
  itemError,
  MutationLimit,
  type TopicReference,
} from './api.ts';
import { type ControllerMachine, metricName } from './controller-machine.ts';
import { assertAssignable, newPartition } from './new-partition.ts';
import { placeReplicas } from './placement.ts';

const nameLengthMax = 249;
/** One request makes at most this many partitions, as in Kafka: its decision is one batch. */
export const PARTITIONS_PER_REQUEST_MAX = 10_000;

type Topics = Decision<MetadataRecord, CreateTopicResult[]>;

export function createTopics(machine: ControllerMachine, request: CreateTopicsRequest): Topics {
  const records: MetadataRecord[] = [];
  const results: CreateTopicResult[] = [];
  const counts = new Map<string, number>();
  for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1);
  const accepted = new Map<string, string>();
  const limit = new MutationLimit(request);
  let partitionCount = 0;
  for (const topic of request.topics) {
    const count = counts.get(topic.name);
    if (count === undefined) continue;
    counts.delete(topic.name);
    try {
      if (count > 1) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic name.');
      assertNameFree(machine, topic.name, accepted);
      const created = createTopic(machine, topic);
      partitionCount += created.result.partitionCount;
      assertRequestSize(partitionCount);
      limit.take(created.result.partitionCount);
      accepted.set(metricName(topic.name), topic.name);
      for (const record of created.records) records.push(record);
      results.push(created.result);
    } catch (error) {
      results.push(failure(topic.name, itemError(error)));
    }
  }
  if (partitionCount > PARTITIONS_PER_REQUEST_MAX) return refuseAll(results);
  if (!request.validateOnly) return { records, response: results };
  return { records: [], response: results.map((each) => ({ ...each, topicId: ZERO_UUID })) };
}

export function assertRequestSize(partitionCount: number): void {
  if (partitionCount <= PARTITIONS_PER_REQUEST_MAX) return;
  throw tooManyPartitions();
}

function tooManyPartitions(): KafkaError {
  const why = `A request may create at most ${PARTITIONS_PER_REQUEST_MAX} partitions.`;
  return new KafkaError('POLICY_VIOLATION', why);
}

/** What was valid before the bound was reached is refused with the rest: it is one decision. */
function refuseAll(results: CreateTopicResult[]): Topics {
  const error = itemError(tooManyPartitions());
  const response = results.map((each) =>
    each.error === null ? failure(each.name, error, each.partitionMutations) : each,
  );
  return { records: [], response };
}

function failure(name: string, error: ItemError, partitionMutations = 0): CreateTopicResult {
  const nothing = { topicId: ZERO_UUID, partitionCount: -1, replicationFactor: -1 };
  return { name, error, ...nothing, configs: new Map(), partitionMutations };
}

function createTopic(
  machine: ControllerMachine,
  topic: CreatableTopic,
): { records: MetadataRecord[]; result: CreateTopicResult } {
  const { name } = topic;
  const configs = configsOf(topic);
  machine.context.rules.validate({ type: ResourceType.TOPIC, name }, configs, new Map());
  const assignments = assignmentsOf(machine, topic);
  const topicId = randomUuid(machine.context.random);
  const records: MetadataRecord[] = [{ type: 'TopicRecord', name, topicId }];
  const resourceType = ResourceType.TOPIC;
  for (const [key, value] of configs) {
    records.push({ type: 'ConfigRecord', resourceType, resourceName: name, name: key, value });
  }
  for (const [index, replicas] of assignments.entries()) {
    records.push(partitionRecord(topicId, index, newPartition(machine.image, replicas)));
  }
  const partitionCount = assignments.length;
  const replicationFactor = assignments[0]?.length ?? 0;
  const size = { partitionCount, replicationFactor, partitionMutations: partitionCount };
  return { records, result: { name, topicId, ...size, configs, error: null } };
}

function configsOf(topic: CreatableTopic): Map<string, string> {
  const configs = new Map<string, string>();
  for (const { name, value } of topic.configs ?? []) {
    if (value === null) {
      throw new KafkaError('INVALID_CONFIG', `The topic config ${name} must not be null.`);
    }
    configs.set(name, value);
  }
  return configs;
}

/** The replicas of each partition, as the client wants them or as we place them. */
function assignmentsOf(machine: ControllerMachine, topic: CreatableTopic): readonly number[][] {
  const { partitionCount = -1, replicationFactor = -1, assignments = [] } = topic;
  if (assignments.length > 0) return manualAssignments(machine, topic);
  if (replicationFactor === 0 || replicationFactor < -1) {
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      'Replication factor must be larger than 0, or -1 for the default.',
    );
  }
  if (partitionCount === 0 || partitionCount < -1) {
    throw new KafkaError(
      'INVALID_PARTITIONS',
      'Number of partitions must be larger than 0, or -1 for the default.',
    );
  }
  const { rules, random } = machine.context;
  const count = partitionCount === -1 ? rules.partitionsDefault : partitionCount;
  assertRequestSize(count);
  const factor = replicationFactor === -1 ? rules.replicationFactorDefault : replicationFactor;
  return placeReplicas(machine.image, { partitionCount: count, replicationFactor: factor }, random);
}

function manualAssignments(machine: ControllerMachine, topic: CreatableTopic): number[][] {
  const { partitionCount = -1, replicationFactor = -1, assignments = [] } = topic;
  if (replicationFactor !== -1 || partitionCount !== -1) {
    const both = replicationFactor !== -1 ? 'a replication factor' : 'a number of partitions';
    throw new KafkaError(
      'INVALID_REQUEST',
      `Give either replica assignments or ${both}; the other must be -1.`,
    );
  }
  const replicas: number[][] = [];
  for (const { partitionIndex, brokerIds } of assignments) {
    if (replicas[partitionIndex] !== undefined) {
      throw new KafkaError(
        'INVALID_REPLICA_ASSIGNMENT',
        `Partition ${partitionIndex} is assigned twice.`,
      );
    }
    if (partitionIndex < 0 || partitionIndex >= assignments.length) {
      throw new KafkaError(
        'INVALID_REPLICA_ASSIGNMENT',
        'Partitions must be numbered from 0 without a gap.',
      );
    }
    replicas[partitionIndex] = [...brokerIds];
  }
  const factor = replicas[0]?.length ?? 0;
  for (const [index, brokerIds] of replicas.entries()) {
    assertAssignable(machine.image, index, brokerIds, factor);
  }
  return replicas;
}

/** @throws KafkaError INVALID_TOPIC_EXCEPTION */
export function assertTopicName(name: string): void {
  const invalid = (why: string): never => {
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${why}`);
  };
  if (name === '') invalid('the empty string is not allowed');
  if (name === '.' || name === '..') invalid(`'${name}' is not allowed`);
  if (name.length > nameLengthMax) {
    invalid(`it has ${name.length} characters, at most ${nameLengthMax} are possible.`);
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    const why = "contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
    invalid(`'${name}' ${why}`);
  }
}

function assertNameFree(
  machine: ControllerMachine,
  name: string,
  accepted: ReadonlyMap<string, string>,
): void {
  assertTopicName(name);
  if (name === '__cluster_metadata') {
    throw new KafkaError('INVALID_REQUEST', `The topic ${name} belongs to the cluster itself.`);
  }
  if (machine.image.topic(name) !== undefined) {
    throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`);
  }
  const other = machine.collidingTopic(name) ?? accepted.get(metricName(name));
  if (other !== undefined && other !== null) {
    throw new KafkaError(
      'INVALID_TOPIC_EXCEPTION',
      // In the names of metrics '.' and '_' are the same.
      `Topic '${name}' collides with existing topic: ${other}`,
    );
  }
}

/** As Kafka makes them: a random (version 4) uuid that no tool takes for a flag. */
export function randomUuid(random: Random): Uuid {
  for (;;) {
    const bytes = random.bytes(16);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const id = uuidFromBytes(bytes, 0);
    if (!id.startsWith('-')) return id;
  }
}

export function deleteTopics(
  machine: ControllerMachine,
  request: DeleteTopicsRequest,
): Decision<MetadataRecord, DeleteTopicResult[]> {
  const records: MetadataRecord[] = [];
  const response: DeleteTopicResult[] = [];
  const counts = new Map<string, number>();
  const keyOf = (reference: TopicReference): string =>
    reference.name === undefined ? reference.id : `name ${reference.name}`;
  for (const reference of request.topics) {
    const key = keyOf(reference);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const removed = new Set<Uuid>();
  const limit = new MutationLimit(request);
  for (const reference of request.topics) {
    const key = keyOf(reference);
    const count = counts.get(key);
    if (count === undefined) continue;
    counts.delete(key);
    const found = deleteTopic(machine, reference, count > 1 || removed.has(key));
    const result = removed.has(found.id) ? found : limited(machine, found, limit);
    response.push(result);
    if (result.error !== null || removed.has(result.id)) continue;
    removed.add(result.id);
    records.push({ type: 'RemoveTopicRecord', topicId: result.id });
  }
  return { records, response };
}

function limited(
  machine: ControllerMachine,
  result: DeleteTopicResult,
  limit: MutationLimit,
): DeleteTopicResult {
  if (result.error !== null) return result;
  const partitionMutations = machine.image.topicById(result.id)?.partitions.length ?? 0;
  try {
    limit.take(partitionMutations);
    return { ...result, partitionMutations };
  } catch (error) {
    return { ...result, error: itemError(error) };
  }
}

function deleteTopic(
  machine: ControllerMachine,
  reference: TopicReference,
  isDuplicate: boolean,
): DeleteTopicResult {
  const { image, context } = machine;
  const topic =
    reference.name === undefined ? image.topicById(reference.id) : image.topic(reference.name);
  const name = topic?.name ?? reference.name ?? null;
  const id = topic?.id ?? reference.id ?? ZERO_UUID;
  const result = { name, id, error: null, partitionMutations: 0 };
  const refused = (error: KafkaError) => ({ ...result, error: itemError(error) });
  if (isDuplicate) {
    const what = reference.name === undefined ? 'id' : 'name';
    return refused(new KafkaError('INVALID_REQUEST', `Duplicate topic ${what}.`));
  }
  if (!context.rules.deleteTopicEnable) {
    const why = 'delete.topic.enable is false on this cluster.';
    return refused(new KafkaError('TOPIC_DELETION_DISABLED', why));
  }
  if (topic !== undefined) return result;
  const isById = reference.name === undefined;
  return refused(new KafkaError(isById ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION'));
}
