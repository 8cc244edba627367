// The one place in which the coordinator looks into the bytes that consumers exchange: which topics
// a member subscribes to. Offsets of topics that a group consumes must not be deleted.

import {
  consumerProtocolSubscription,
  decodeVersioned,
  MalformedError,
} from '../../../protocol/index.ts';

/** null if these are not the bytes of a consumer's subscription. */
export function topicsOf(metadata: Buffer): readonly string[] | null {
  try {
    return decodeVersioned(consumerProtocolSubscription, metadata).value.topics;
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}

/** Whether both subscribe to the same topics; metadata that cannot be read must be identical. */
export function isSameSubscription(one: Buffer, other: Buffer): boolean {
  const topics = topicsOf(one);
  const otherTopics = topicsOf(other);
  if (topics === null || otherTopics === null) return one.equals(other);
  const set = new Set(topics);
  return set.size === new Set(otherTopics).size && otherTopics.every((topic) => set.has(topic));
}
