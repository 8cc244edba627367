// What an assignor is told and what it answers. Members that use different programs must agree on
// one assignor by its name and understand its user data, so both are Kafka's.

import type { TopicPartition } from '../../leader-requests.ts';

export interface GroupMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
  readonly userData: Buffer | null;
  readonly owned: readonly TopicPartition[];
  /** The generation in which it owned them; -1 unknown. */
  readonly generation: number;
  readonly rackId: string | null;
}

export interface GroupTopic {
  readonly partitionCount: number;
  /** The racks of the replicas, by partition; absent if brokers have none. */
  readonly racks?: readonly (readonly string[])[] | undefined;
}

export type GroupTopics = ReadonlyMap<string, GroupTopic>;
/** By member id; every member has an entry. */
export type Assignment = Map<string, TopicPartition[]>;

export interface Assignor {
  readonly name: string;
  /** Whether members may keep their partitions while the group rebalances (KIP-429). */
  readonly isCooperative: boolean;
  /** Goes into our subscription, for the leader's assignor. */
  userData(topics?: readonly string[]): Buffer | null;
  /** `topics` holds only topics that exist. */
  assign(members: readonly GroupMember[], topics: GroupTopics): Assignment;
  /** We got these partitions in this generation. */
  onAssignment(partitions: readonly TopicPartition[], generation: number): void;
}

/** Static members first, by their instance ids, so that a restart changes nothing (KIP-345). */
export function sortedMembers(members: readonly GroupMember[]): GroupMember[] {
  return [...members].sort((a, b) => {
    if (a.groupInstanceId !== null && b.groupInstanceId !== null) {
      return compareText(a.groupInstanceId, b.groupInstanceId);
    }
    if (a.groupInstanceId !== null) return -1;
    if (b.groupInstanceId !== null) return 1;
    return compareText(a.memberId, b.memberId);
  });
}

export function emptyAssignment(members: readonly GroupMember[]): Assignment {
  return new Map(members.map(({ memberId }) => [memberId, []]));
}

/** By UTF-16 units, as Java compares. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function comparePlaces(a: TopicPartition, b: TopicPartition): number {
  return compareText(a.topic, b.topic) || a.partition - b.partition;
}

/** By topic, then by number. */
export function allPlaces(topics: GroupTopics): TopicPartition[] {
  return [...topics.keys()].sort().flatMap((topic) =>
    Array.from({ length: topics.get(topic)?.partitionCount ?? 0 }, (_, partition) => {
      return { topic, partition };
    }),
  );
}
