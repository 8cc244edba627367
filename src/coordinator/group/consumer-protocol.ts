// The one place in which the coordinator looks into the bytes that classic consumers exchange: what
// a member subscribes to and has, and what it was assigned. It needs them for the offsets of topics
// that a group consumes, which must not be deleted; to see whether a member brings partitions along
// or is about to give some away; and wherever classic consumers meet the groups of KIP-848, in
// which it is the coordinator that assigns. Other protocols (of Connect, say) stay bytes.
//
// `…Of` and questions answer for bytes that are not a consumer's, too; `decode…` refuses them.

import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  KafkaError,
  MalformedError,
  type StructOf,
} from '../../protocol/index.ts';

/** The protocol type of consumers: the only one whose subscriptions the coordinator may read. */
export const consumerProtocolType = 'consumer';

export type Subscription = StructOf<typeof consumerProtocolSubscription>;

/** @throws KafkaError INCONSISTENT_GROUP_PROTOCOL */
export function decodeSubscription(metadata: Buffer): Subscription {
  return decodeOrThrow(() => decodeVersioned(consumerProtocolSubscription, metadata).value);
}

/** Nothing for no bytes. @throws KafkaError INCONSISTENT_GROUP_PROTOCOL */
export function decodeAssignment(bytes: Buffer): StructOf<typeof consumerProtocolAssignment> {
  if (bytes.length === 0) return { assignedPartitions: [], userData: null };
  return decodeOrThrow(() => decodeVersioned(consumerProtocolAssignment, bytes).value);
}

function decodeOrThrow<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', 'The consumer protocol is malformed.');
  }
}

/** null if these are not the bytes of a consumer's subscription. */
export function topicsOf(metadata: Buffer): readonly string[] | null {
  try {
    return decodeVersioned(consumerProtocolSubscription, metadata).value.topics;
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}

/** Whether a member that joins may believe that it has partitions; it may if nobody can tell. */
export function mayBringPartitions(protocols: readonly { readonly metadata: Buffer }[]): boolean {
  return protocols.some(({ metadata }) => {
    try {
      const { value } = decodeVersioned(consumerProtocolSubscription, metadata);
      return value.ownedPartitions.length > 0;
    } catch (error) {
      if (error instanceof MalformedError) return true;
      throw error;
    }
  });
}

/**
 * Whether the member was told to give partitions up that it had when it joined: a cooperative one
 * then joins once more, and only that gives them to others (KIP-429).
 */
export function owesAnotherJoin(metadata: Buffer, assignment: Buffer): boolean {
  if (metadata.length === 0 || assignment.length === 0) return false;
  try {
    const { ownedPartitions } = decodeVersioned(consumerProtocolSubscription, metadata).value;
    const { assignedPartitions } = decodeVersioned(consumerProtocolAssignment, assignment).value;
    const kept = new Map(assignedPartitions.map((each) => [each.topic, new Set(each.partitions)]));
    return ownedPartitions.some(({ topic, partitions }) =>
      partitions.some((partition) => kept.get(topic)?.has(partition) !== true),
    );
  } catch (error) {
    if (error instanceof MalformedError) return false;
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
