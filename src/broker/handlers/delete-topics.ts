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

/** What is deleted, and what is refused: a name is told to whoever may describe it. */
function sorted(topics: readonly TopicReference[], context: RequestContext) {
  const { rights, image } = context;
  const mayDeleteAll = !rights.isBound || mayOnCluster(context, AclOperation.DELETE);
  if (mayDeleteAll) return { allowed: topics, refused: [] };
  const allowed: TopicReference[] = [];
  const refused: Answer[] = [];
  for (const topic of topics) {
    const name = topic.name ?? image.topicById(topic.id)?.name;
    const isThere = name !== undefined && image.topic(name) !== undefined;
    if (name === undefined || mayDelete(name, isThere, context)) {
      allowed.push(topic);
      continue;
    }
    const isTold = topic.name !== undefined || mayOnTopic(context, AclOperation.DESCRIBE, name);
    const error = refusalOn(AclResource.TOPIC);
    refused.push({ name: isTold ? name : null, id: topic.id ?? ZERO_UUID, error });
  }
  return { allowed, refused };
}

/** Whoever may describe a topic is told that it is not there. */
function mayDelete(name: string, isThere: boolean, context: RequestContext): boolean {
  const { DELETE, DESCRIBE } = AclOperation;
  if (!mayOnTopic(context, DESCRIBE, name)) return false;
  return !isThere || mayOnTopic(context, DELETE, name);
}

function reference(name: string | null, id: string): TopicReference {
  if (name === null) return { id };
  if (id === ZERO_UUID) return { name };
  throw new KafkaError('INVALID_REQUEST', 'a topic is named either by name or by id');
}
