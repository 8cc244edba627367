// The topics of a request that names them by name, or by id in its newest versions: the group
// coordinator knows names only.

import { ZERO_UUID } from '../../base/uuid.ts';
import { type ErrorName, KafkaError } from '../../protocol/index.ts';
import type { RequestContext } from '../handler.ts';

export interface NamedTopic {
  readonly name: string;
  readonly topicId: string;
}

/** @throws KafkaError UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION */
export function topicNamed(wanted: NamedTopic, isById: boolean, context: RequestContext) {
  const { image } = context.broker.replicas;
  const topic = isById ? image.topicById(wanted.topicId) : image.topic(wanted.name);
  const missing: ErrorName = isById ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION';
  if (topic === undefined) throw new KafkaError(missing);
  return topic;
}

/** The id of a topic by its name; zero if there is none. */
export function topicIdOf(name: string, context: RequestContext): string {
  return context.broker.replicas.image.topic(name)?.id ?? ZERO_UUID;
}
