// What the assignors of consumer groups are asked, and what they answer (KIP-848). They are pure:
// the same members, topics and former assignment give the same assignment.
//
// Invariants of every assignor: a partition goes to one member at most, and only to a member that
// subscribes to its topic; a partition to whose topic somebody subscribes goes to somebody.

import type { Uuid } from '../../../base/uuid.ts';

/** Partitions by topic; no topic without partitions. */
export type TopicPartitions = ReadonlyMap<Uuid, ReadonlySet<number>>;

export interface AssignorMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  /** Topics that exist. */
  readonly topicIds: ReadonlySet<Uuid>;
  /** The former target. */
  readonly partitions: TopicPartitions;
}

export interface AssignorTopic {
  readonly id: Uuid;
  readonly partitionCount: number;
  /** Where the replicas of each partition are; null when no broker has a rack. */
  readonly racks: readonly ReadonlySet<string>[] | null;
}

export interface AssignorInput {
  readonly members: readonly AssignorMember[];
  /** Every topic that somebody subscribes to, in a stable order. */
  readonly topics: readonly AssignorTopic[];
}

/** By member id; every member is in it. */
export type Assignment = ReadonlyMap<string, TopicPartitions>;

export interface Assignor {
  readonly name: string;
  readonly assign: (input: AssignorInput) => Assignment;
}
