// What members tell each other through the coordinator, to and from bytes. Written in version 3
// as Java 3.5 and later do; older readers skip the fields at the end that they do not know.

import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
} from '../../../protocol/index.ts';
import type { TopicPartition } from '../../leader-requests.ts';
import { groupByTopic } from '../../offset-queries.ts';
import { comparePlaces } from './assignor.ts';

const versionWritten = 3;

export interface MemberSubscription {
  readonly topics: readonly string[];
  readonly userData: Buffer | null;
  readonly owned: readonly TopicPartition[];
  readonly generation: number;
  readonly rackId: string | null;
}

export function encodeSubscription(subscription: MemberSubscription): Buffer {
  const { topics, userData, owned, generation, rackId } = subscription;
  return encodeVersioned(consumerProtocolSubscription, versionWritten, {
    topics: [...topics].sort(),
    userData,
    ownedPartitions: byTopic([...owned].sort(comparePlaces)),
    generationId: generation,
    rackId,
  });
}

export function decodeSubscription(bytes: Buffer): MemberSubscription {
  const { value } = decodeVersioned(consumerProtocolSubscription, bytes);
  return {
    topics: value.topics,
    userData: value.userData,
    owned: flat(value.ownedPartitions),
    generation: value.generationId,
    rackId: value.rackId === '' ? null : value.rackId,
  };
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  return encodeVersioned(consumerProtocolAssignment, versionWritten, {
    assignedPartitions: byTopic(partitions),
    userData: null,
  });
}

/** Empty bytes are what a coordinator gives a member that the leader left out. */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return [];
  return flat(decodeVersioned(consumerProtocolAssignment, bytes).value.assignedPartitions);
}

/** Groups of partition numbers by topic, as the wire has them. */
export function byTopic(
  places: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] {
  return groupByTopic(places).map(([topic, group]) => {
    return { topic, partitions: group.map((each) => each.partition) };
  });
}

export function flat(
  groups: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): TopicPartition[] {
  return groups.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}
