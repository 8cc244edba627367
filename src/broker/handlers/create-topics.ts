// CreateTopics: the controller decides; the answer leaves when the topic can be produced to.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { CreateTopicResult, ItemError } from '../../metadata/index.ts';
import {
  createTopics,
  ErrorCode,
  KafkaError,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import {
  AclOperation,
  AclResource,
  mayOnCluster,
  mayOnTopic,
  refusalOn,
} from '../authorization.ts';
import { topicConfigEntries } from '../config-entries.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { changeTopics } from '../quotas/index.ts';

type Wanted = RequestOf<typeof createTopics>['topics'][number];
type Answer = ResponseInput<typeof createTopics>['topics'][number];

const metadataTopic = '__cluster_metadata';

export const createTopicsHandler = defineHandler(createTopics, async (request, context) => {
  const { broker, client } = context;
  const { replicas } = broker;
  const refused = new Map([
    ...refusedTopics(request.topics),
    ...forbidden(request.topics, context),
  ]);
  const { validateOnly } = request;
  const topics = request.topics.filter(({ name }) => !refused.has(name)).map(creatable);
  const results = await changeTopics(context.charge, context.apiVersion >= 6, (limit) =>
    broker.controllerFor(client).createTopics({ topics, validateOnly, ...limit }),
  );
  await replicas.settled(topics.map(({ name }) => name));
  const failures = [...refused].map(([name, error]) => failure(name, error));
  return { topics: [...results.map((result) => answer(result, context)), ...failures] };
});

/** What the request itself gets wrong, by topic name. */
function refusedTopics(topics: readonly Wanted[]): ReadonlyMap<string, KafkaError> {
  const seen = new Set<string>();
  const refused = new Map<string, KafkaError>();
  for (const { name } of topics) {
    if (seen.has(name)) {
      refused.set(name, new KafkaError('INVALID_REQUEST', 'the topic is in the request twice'));
    }
    if (name === metadataTopic) {
      refused.set(name, new KafkaError('INVALID_REQUEST', `${name} is not a topic for clients`));
    }
    seen.add(name);
  }
  return refused;
}

function creatable(topic: Wanted) {
  return {
    name: topic.name,
    partitionCount: topic.numPartitions,
    replicationFactor: topic.replicationFactor,
    assignments: topic.assignments,
    configs: topic.configs,
  };
}

function answer(result: CreateTopicResult, context: RequestContext): Answer {
  if (result.error !== null) return failure(result.name, result.error);
  return {
    name: result.name,
    topicId: result.topicId,
    errorCode: 0,
    errorMessage: null,
    numPartitions: result.partitionCount,
    replicationFactor: result.replicationFactor,
    ...configsOf(result, context),
  };
}

function configsOf({ name, configs }: CreateTopicResult, context: RequestContext) {
  if (mayOnTopic(context, AclOperation.DESCRIBE_CONFIGS, name)) {
    return { configs: topicConfigEntries(configs, context.broker) };
  }
  return {
    ...{ numPartitions: -1, replicationFactor: -1, configs: [] },
    topicConfigErrorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  };
}

/** Whoever may create on the cluster may create every topic. */
function forbidden(
  topics: readonly Wanted[],
  context: RequestContext,
): ReadonlyMap<string, KafkaError> {
  const { CREATE } = AclOperation;
  if (mayOnCluster(context, CREATE)) return new Map();
  const names = topics.map(({ name }) => name).filter((name) => !mayOnTopic(context, CREATE, name));
  return new Map(names.map((name) => [name, refusalOn(AclResource.TOPIC)]));
}

function failure(name: string, error: ItemError): Answer {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode: error.code,
    errorMessage: error.message,
    configs: null,
  };
}
