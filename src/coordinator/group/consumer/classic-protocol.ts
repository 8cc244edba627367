// The bytes that classic consumers exchange, read and written by the coordinator when such clients
// live in a consumer group: there it is the one that assigns.

import type { MetadataImage } from '../../../metadata/index.ts';
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
  KafkaError,
  MalformedError,
  type StructOf,
} from '../../../protocol/index.ts';
import type { ClassicMemberMetadata } from './consumer-member.ts';
import { OwnedBuilder, type OwnedPartitions, type TopicPartitionList } from './topic-partitions.ts';

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

/** In the version in which the member speaks. */
export function encodeAssignment(
  owned: OwnedPartitions,
  classic: ClassicMemberMetadata,
  image: MetadataImage,
): Buffer {
  const assignedPartitions = [...owned].flatMap(([topicId, partitions]) => {
    const topic = image.topicById(topicId)?.name;
    return topic === undefined ? [] : [{ topic, partitions: [...partitions.keys()] }];
  });
  const metadata = classic.supportedProtocols[0]?.metadata;
  const its = metadata === undefined || metadata.length < 2 ? 0 : metadata.readInt16BE(0);
  const version = Math.min(3, Math.max(0, its));
  return encodeVersioned(consumerProtocolAssignment, version, {
    assignedPartitions,
    userData: null,
  });
}

interface NamedPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export function byTopicId(
  list: readonly NamedPartitions[],
  image: MetadataImage,
): TopicPartitionList[] {
  return list.flatMap(({ topic, partitions }) => {
    const topicId = image.topic(topic)?.id;
    return topicId === undefined ? [] : [{ topicId, partitions }];
  });
}

export function ownedOf(
  list: readonly NamedPartitions[],
  image: MetadataImage,
  epoch: number,
): OwnedPartitions {
  const owned = new OwnedBuilder();
  for (const { topicId, partitions } of byTopicId(list, image)) {
    for (const partition of partitions) owned.add(topicId, partition, epoch);
  }
  return owned.build();
}
