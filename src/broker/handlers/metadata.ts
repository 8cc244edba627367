// Metadata: who the brokers are and who leads what. Asking for a topic that does not exist may
// create it (auto.create.topics.enable); unlike Kafka we answer when it is there, so that the first
// send of a new producer needs no second round. Where another broker controls, and this one has not
// heard of the topic yet, the answer is Kafka's: UNKNOWN_TOPIC_OR_PARTITION, once.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { ItemError, MetadataImage, TopicImage } from '../../metadata/index.ts';
import { ErrorCode, KafkaError, metadata, type RequestOf } from '../../protocol/index.ts';
import {
  AclOperation,
  AclResource,
  authorizedOperations,
  clusterOperations,
  mayOnCluster,
  mayOnTopic,
  operationsNotAsked,
  refusalOn,
} from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { changeTopics } from '../quotas/index.ts';
import { isInternalTopic, isTopicName, partitionAnswers } from './topic-answer.ts';

const notAllowed = refusalOn(AclResource.TOPIC);

type Request = RequestOf<typeof metadata>;
type Wanted = NonNullable<Request['topics']>[number];
type Topic = ReturnType<typeof foundTopic>;

export const metadataHandler = defineHandler(metadata, async (request, context) => {
  assertTopicIds(request, context);
  const failures = await maybeCreateTopics(request, context);
  const { image } = context.broker.replicas;
  const answer = (topic: TopicImage): Topic => {
    return foundTopic(topic, context, request.includeTopicAuthorizedOperations);
  };
  const topics = isForAll(request, context)
    ? [...image.topics()].filter(({ name }) => mayDescribe(name, context)).map(answer)
    : (request.topics as Wanted[]).map((wanted) => {
        const topic = find(wanted, image);
        const name = topic?.name ?? wanted.name;
        if (name !== null && !mayDescribe(name, context)) return hiddenTopic(wanted, topic);
        if (topic !== undefined) return answer(topic);
        return missingTopic(wanted, failures.get(wanted.name ?? ''), { request, context });
      });
  return {
    brokers: context.broker.endpoints(context.client),
    clusterId: context.broker.clusterId,
    controllerId: context.broker.controllerId,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations(context)
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
    if (!mayDescribe(name, context)) continue;
    if (!isTopicName(name)) failures.set(name, new KafkaError('INVALID_TOPIC_EXCEPTION'));
    else if (mayCreate && !mayCreateTopic(name, context)) failures.set(name, notAllowed);
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

function mayDescribe(name: string, context: RequestContext): boolean {
  return mayOnTopic(context, AclOperation.DESCRIBE, name);
}

function mayCreateTopic(name: string, context: RequestContext): boolean {
  const { CREATE } = AclOperation;
  return mayOnCluster(context, CREATE) || mayOnTopic(context, CREATE, name);
}

function foundTopic(topic: TopicImage, context: RequestContext, tellsOperations: boolean) {
  return {
    errorCode: 0,
    name: topic.name as string | null,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: partitionAnswers(topic, context.broker.replicas),
    topicAuthorizedOperations: tellsOperations
      ? authorizedOperations(context, AclResource.TOPIC, topic.name)
      : operationsNotAsked,
  };
}

/** Whether there is such a topic is not said; the name of an id is not, either. */
function hiddenTopic(wanted: Wanted, topic: TopicImage | undefined): Topic {
  const isById = wanted.topicId !== ZERO_UUID;
  return {
    errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
    name: isById ? null : wanted.name,
    topicId: isById ? (topic?.id ?? wanted.topicId) : ZERO_UUID,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: operationsNotAsked,
  };
}

function missingTopic(
  wanted: Wanted,
  failure: ItemError | undefined,
  { request, context }: { readonly request: Request; readonly context: RequestContext },
): Topic {
  const isById = wanted.topicId !== ZERO_UUID;
  const unknown = isById ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return {
    errorCode: failure?.code ?? unknown,
    name: context.apiVersion >= 12 && isById ? null : (wanted.name ?? ''),
    topicId: wanted.topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations:
      request.includeTopicAuthorizedOperations && wanted.name !== null && failure === undefined
        ? authorizedOperations(context, AclResource.TOPIC, wanted.name)
        : operationsNotAsked,
  };
}
