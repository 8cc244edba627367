// DeleteTopics: by name, or by id since version 6.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { TopicReference } from '../../metadata/index.ts';
import { deleteTopics, KafkaError } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';
import { changeTopics } from '../quotas/index.ts';

export const deleteTopicsHandler = defineHandler(deleteTopics, async (request, context) => {
  const { config, controller } = context.broker;
  if (!config.get('delete.topic.enable')) {
    throw new KafkaError('TOPIC_DELETION_DISABLED', 'delete.topic.enable is false');
  }
  const topics: TopicReference[] =
    context.apiVersion >= 6
      ? request.topics.map(({ name, topicId }) => reference(name, topicId))
      : request.topicNames.map((name) => ({ name }));
  const results = await changeTopics(context.charge, context.apiVersion >= 5, (limit) =>
    controller.deleteTopics({ topics, ...limit }),
  );
  return {
    responses: results.map(({ name, id, error }) => ({
      name: name ?? (context.apiVersion >= 6 ? null : ''),
      topicId: id,
      errorCode: error?.code ?? 0,
      errorMessage: error?.message ?? null,
    })),
  };
});

function reference(name: string | null, id: string): TopicReference {
  if (name === null) return { id };
  if (id === ZERO_UUID) return { name };
  throw new KafkaError('INVALID_REQUEST', 'a topic is named either by name or by id');
}
