// What a classic client has, from the names in its bytes to the ids and epochs of a consumer group,
// and back. Topics that are no more have no place in either.

import type { MetadataImage } from '../../../metadata/index.ts';
import { consumerProtocolAssignment, encodeVersioned } from '../../../protocol/index.ts';
import {
  type ClassicMemberMetadata,
  OwnedBuilder,
  type OwnedPartitions,
  type TopicPartitionList,
} from '../consumer/index.ts';

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
