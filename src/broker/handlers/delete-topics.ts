// DeleteTopics: by name, or by id since version 6.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { DeleteTopicResult, TopicReference } from '../../metadata/index.ts';
import { deleteTopics, KafkaError } from '../../protocol/index.ts';
import {
  AclOperation,
  AclResource,
  mayOnCluster,
  mayOnTopic,
  refusalOn,
} from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { changeTopics } from '../quotas/index.ts';

export const deleteTopicsHandler = defineHandler(deleteTopics, async (request, context) => {
  const { broker, client } = context;
  const { config } = broker;
  if (!config.get('delete.topic.enable')) {
    throw new KafkaError('TOPIC_DELETION_DISABLED', 'delete.topic.enable is false');
  }
  const topics: TopicReference[] =
    context.apiVersion >= 6
      ? request.topics.map(({ name, topicId }) => reference(name, topicId))
      : request.topicNames.map((name) => ({ name }));
  const { allowed, refused } = sorted(topics, context);
  const results = await changeTopics(context.charge, context.apiVersion >= 5, (limit) =>
    broker.controllerFor(client).deleteTopics({ topics: allowed, ...limit }),
  );
  return {
    responses: [...results, ...refused].map(({ name, id, error }) => ({
      name: name ?? (context.apiVersion >= 6 ? null : ''),
      topicId: id,
      errorCode: error?.code ?? 0,
      errorMessage: error?.message ?? null,
    })),
  };
});

type Answer = Pick<DeleteTopicResult, 'name' | 'id' | 'error'>;

/**
 * What is deleted, and what is refused: a name is told to whoever may describe it, and that a topic
 * is not there.
 */
function sorted(topics: readonly TopicReference[], context: RequestContext) {
  const { rights, image } = context;
  const mayDeleteAll = !rights.isBound || mayOnCluster(context, AclOperation.DELETE);
  if (mayDeleteAll) return { allowed: topics, refused: [] };
  const allowed: TopicReference[] = [];
  const refused: Answer[] = [];
  for (const topic of topics) {
    const name = topic.name ?? image.topicById(topic.id)?.name;
    const isThere = name !== undefined && image.topic(name) !== undefined;
    if (name === undefined || mayDelete(name, context)) {
      allowed.push(topic);
      continue;
    }
    const mayDescribe = mayOnTopic(context, AclOperation.DESCRIBE, name);
    const isTold = topic.name !== undefined || mayDescribe;
    // Not asked of the controller, who may know a topic that this image has not heard of.
    const isMissing = mayDescribe && !isThere;
    const missing = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
    const error = isMissing ? missing : refusalOn(AclResource.TOPIC);
    refused.push({ name: isTold ? name : null, id: topic.id ?? ZERO_UUID, error });
  }
  return { allowed, refused };
}

function mayDelete(name: string, context: RequestContext): boolean {
  const { DELETE, DESCRIBE } = AclOperation;
  return mayOnTopic(context, DESCRIBE, name) && mayOnTopic(context, DELETE, name);
}

function reference(name: string | null, id: string): TopicReference {
  if (name === null) return { id };
  if (id === ZERO_UUID) return { name };
  throw new KafkaError('INVALID_REQUEST', 'a topic is named either by name or by id');
}
