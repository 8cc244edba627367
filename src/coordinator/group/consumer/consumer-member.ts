// A member of a consumer group of KIP-848, as a value: what it asked for, and how far it has come
// towards what it shall have. Classic clients that live in such a group have `classic`.

import type { GroupRecordOf } from '../group-record.ts';
import { type OwnedPartitions, ownsNothing } from './topic-partitions.ts';

/** Kafka's numbers, as they are recorded. */
export const MemberState = { STABLE: 0, UNREVOKED: 1, UNRELEASED: 2, UNKNOWN: 127 } as const;
export type MemberState = (typeof MemberState)[keyof typeof MemberState];

type MemberMetadata = NonNullable<GroupRecordOf<'ConsumerGroupMemberMetadata'>['value']>;
export type ClassicMemberMetadata = NonNullable<MemberMetadata['classicMemberMetadata']>;

/** Member epochs that say something else. */
export const joiningEpoch = 0;
export const leavingEpoch = -1;
/** A static member that is away and will come back. */
export const awayEpoch = -2;

export interface ConsumerMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly serverAssignor: string | null;
  /** Sorted, without repetitions. */
  readonly topicNames: readonly string[];
  /** Empty for none. */
  readonly topicRegex: string;
  readonly classic: ClassicMemberMetadata | null;
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  readonly state: MemberState;
  readonly assigned: OwnedPartitions;
  /** Taken from the member, which has not yet said that it let them go. */
  readonly pendingRevocation: OwnedPartitions;
}

export function newConsumerMember(memberId: string): ConsumerMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    serverAssignor: null,
    topicNames: [],
    topicRegex: '',
    classic: null,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: MemberState.STABLE,
    assigned: ownsNothing,
    pendingRevocation: ownsNothing,
  };
}

export function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}

export function isSameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => other[index] === name);
}

/** Whether both would be recorded alike; identity is not compared. */
export function isSameMetadata(one: ConsumerMember, other: ConsumerMember): boolean {
  return (
    one.instanceId === other.instanceId &&
    one.rackId === other.rackId &&
    one.clientId === other.clientId &&
    one.clientHost === other.clientHost &&
    one.rebalanceTimeoutMs === other.rebalanceTimeoutMs &&
    one.serverAssignor === other.serverAssignor &&
    one.topicRegex === other.topicRegex &&
    isSameNames(one.topicNames, other.topicNames) &&
    isSameClassic(one.classic, other.classic)
  );
}

function isSameClassic(
  one: ClassicMemberMetadata | null,
  other: ClassicMemberMetadata | null,
): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.sessionTimeoutMs === other.sessionTimeoutMs &&
    one.supportedProtocols.length === other.supportedProtocols.length &&
    one.supportedProtocols.every(({ name, metadata }, index) => {
      const its = other.supportedProtocols[index];
      return its?.name === name && its.metadata.equals(metadata);
    })
  );
}
