// Metadata: who the brokers are and who leads what. Asking for a topic that does not exist may
// create it (auto.create.topics.enable); unlike Kafka we answer when it is there, so that the first
// send of a new producer needs no second round. Where another broker controls, and this one has not
// heard of the topic yet, the answer is Kafka's: UNKNOWN_TOPIC_OR_PARTITION, once.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { ItemError, MetadataImage, TopicImage } from '../../metadata/index.ts';
import { ErrorCode, KafkaError, metadata, type RequestOf } from '../../protocol/index.ts';
import type { Replicas } from '../../replication/index.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { changeTopics } from '../quotas/index.ts';
import {
  clusterOperations,
  isInternalTopic,
  isTopicName,
  operationsNotAsked,
  partitionAnswers,
  topicOperations,
} from './topic-answer.ts';

type Request = RequestOf<typeof metadata>;
type Wanted = NonNullable<Request['topics']>[number];
type Topic = ReturnType<typeof foundTopic>;

export const metadataHandler = defineHandler(metadata, async (request, context) => {
  assertTopicIds(request, context);
  const failures = await maybeCreateTopics(request, context);
  const { replicas } = context.broker;
  const { image } = replicas;
  const operations = request.includeTopicAuthorizedOperations
    ? topicOperations
    : operationsNotAsked;
  const topics = isForAll(request, context)
    ? [...image.topics()].map((topic) => foundTopic(topic, replicas, operations))
    : (request.topics as Wanted[]).map((wanted) => {
        const topic = find(wanted, image);
        if (topic !== undefined) return foundTopic(topic, replicas, operations);
        return missingTopic(wanted, failures.get(wanted.name ?? ''), context);
      });
  return {
    brokers: context.broker.endpoints(context.client),
    clusterId: context.broker.clusterId,
    controllerId: context.broker.controllerId,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations
      : operationsNotAsked,
  };
});

/** In version 0 an empty list means all topics; later null does, and empty means none. */
function isForAll(request: Request, context: RequestContext): boolean {
  return request.topics === null || (context.apiVersion === 0 && request.topics.length === 0);
}

function assertTopicIds(request: Request, context: RequestContext): void {
  if (context.apiVersion >= 12) return;
  for (const topic of request.topics ?? []) {
    if (topic.name !== null && topic.topicId === ZERO_UUID) continue;
    throw new KafkaError('INVALID_REQUEST', 'topic ids are served from version 12 on');
  }
}

/** Creates the topics that are asked for, are missing and may be created; returns the failures. */
async function maybeCreateTopics(
  request: Request,
  context: RequestContext,
): Promise<ReadonlyMap<string, ItemError>> {
  const failures = new Map<string, ItemError>();
  const { config, createMissingTopics, replicas } = context.broker;
  const mayCreate = request.allowAutoTopicCreation && config.get('auto.create.topics.enable');
  const names = new Set<string>();
  for (const { name } of request.topics ?? []) {
    if (name === null || name === '' || context.image.topic(name) !== undefined) continue;
    if (!isTopicName(name)) failures.set(name, new KafkaError('INVALID_TOPIC_EXCEPTION'));
    else if (mayCreate) names.add(name);
  }
  if (names.size === 0) return failures;
  const topics = [...names].map((name) => ({ name }));
  const results = await changeTopics(context.charge, false, (limit) =>
    createMissingTopics({ topics, ...limit }),
  );
  for (const { name, error } of results) {
    if (error === null || error.code === ErrorCode.TOPIC_ALREADY_EXISTS) continue;
    failures.set(name, error);
  }
  await replicas.settled(names);
  return failures;
}

function find(wanted: Wanted, image: MetadataImage): TopicImage | undefined {
  if (wanted.topicId !== ZERO_UUID) return image.topicById(wanted.topicId);
  return wanted.name === null ? undefined : image.topic(wanted.name);
}

function foundTopic(topic: TopicImage, replicas: Replicas, operations: number) {
  return {
    errorCode: 0,
    name: topic.name as string | null,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: partitionAnswers(topic, replicas),
    topicAuthorizedOperations: operations,
  };
}

function missingTopic(
  wanted: Wanted,
  failure: ItemError | undefined,
  context: RequestContext,
): Topic {
  const isById = wanted.topicId !== ZERO_UUID;
  const unknown = isById ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return {
    errorCode: failure?.code ?? unknown,
    name: context.apiVersion >= 12 && isById ? null : (wanted.name ?? ''),
    topicId: wanted.topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: operationsNotAsked,
  };
}
