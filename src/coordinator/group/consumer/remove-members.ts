// How members end: they leave, or are given up because they were not heard of in time, or did not
// let go of what they were told to. Those who stay get a new group epoch, and the partitions.
// Whether those who stay had better be a classic group is asked before (../migration/downgrade.ts).

import { KafkaError } from '../../../protocol/index.ts';
import type { GroupContext, Outcome } from '../decision.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { awayEpoch, type ConsumerMember } from './consumer-member.ts';
import {
  currentAssignmentRecord,
  groupEpochRecord,
  memberTombstones,
  regexTombstone,
} from './consumer-records.ts';
import { assertIsOwnerOfInstance } from './fencing.ts';
import { metadataHash, subscribedTopics } from './subscriptions.ts';
import { ownsNothing } from './topic-partitions.ts';

/** A ConsumerGroupHeartbeat that says good-bye. */
export interface Leaving {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly memberEpoch: number;
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
export function leavingMember(
  group: ConsumerGroup,
  { memberId, instanceId }: Leaving,
): ConsumerMember {
  const member = instanceId === null ? group.members.get(memberId) : group.staticMember(instanceId);
  if (member === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID');
  if (instanceId !== null) assertIsOwnerOfInstance(member, memberId);
  return member;
}

/** It keeps its place until its session ends: whoever comes with its name goes on. */
export function leaveForAWhile(groupId: string, member: ConsumerMember, outcome: Outcome): void {
  outcome.append(
    currentAssignmentRecord(groupId, {
      ...member,
      memberEpoch: awayEpoch,
      pendingRevocation: ownsNothing,
    }),
  );
}

/** The members are gone, and what only they asked for; those who stay are assigned anew. */
export function removeMembers(
  at: GroupContext,
  group: ConsumerGroup,
  { gone, rest, outcome }: Parting,
): void {
  const { groupId } = group;
  for (const memberId of gone) outcome.appendAll(memberTombstones(groupId, memberId));
  const kept = new Map(group.regexes);
  const used = new Set(rest.map(({ topicRegex }) => topicRegex));
  for (const regex of group.regexes.keys()) {
    if (used.has(regex)) continue;
    kept.delete(regex);
    outcome.append(regexTombstone(groupId, regex));
  }
  const image = at.image();
  const hash = metadataHash(subscribedTopics(rest, kept, image), image);
  outcome.append(groupEpochRecord(groupId, { epoch: group.groupEpoch + 1, metadataHash: hash }));
}

export interface Parting {
  /** By member id. */
  readonly gone: ReadonlySet<string>;
  readonly rest: readonly ConsumerMember[];
  readonly outcome: Outcome;
}
