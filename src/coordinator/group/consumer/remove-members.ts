// How members end: they leave, or are given up because they were not heard of in time, or did not
// let go of what they were told to. Those who stay get a new group epoch, and the partitions.

import { KafkaError } from '../../../protocol/index.ts';
import type { GroupMachine } from '../group-machine.ts';
import type { Outcome } from '../outcome.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { awayEpoch, type ConsumerMember } from './consumer-member.ts';
import {
  currentAssignmentRecord,
  groupEpochRecord,
  memberTombstones,
  regexTombstone,
} from './consumer-records.ts';
import { isDowngradeDue, prepareDowngrade } from './downgrade.ts';
import { assertIsOwnerOfInstance } from './membership.ts';
import { metadataHash, subscribedTopics } from './subscriptions.ts';
import { groupSetting } from './target-assignment.ts';
import { ownsNothing } from './topic-partitions.ts';

export interface Leaving {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly memberEpoch: number;
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
export function leaveConsumerGroup(
  machine: GroupMachine,
  group: ConsumerGroup,
  { leaving, outcome }: { leaving: Leaving; outcome: Outcome },
): void {
  const { memberId, instanceId, memberEpoch } = leaving;
  const member = instanceId === null ? group.members.get(memberId) : group.staticMember(instanceId);
  if (member === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID');
  if (instanceId !== null) assertIsOwnerOfInstance(member, memberId);
  if (instanceId === null || memberEpoch !== awayEpoch) {
    removeMembers(machine, group, { members: [member], outcome });
    return;
  }
  // It keeps its place until its session ends: whoever comes with its name goes on.
  machine.consumerTimers.cancel('rebalance', { groupId: group.groupId, memberId });
  outcome.append(
    currentAssignmentRecord(group.groupId, {
      ...member,
      memberEpoch: awayEpoch,
      pendingRevocation: ownsNothing,
    }),
  );
}

export function removeMembers(
  machine: GroupMachine,
  group: ConsumerGroup,
  { members, outcome }: { members: readonly ConsumerMember[]; outcome: Outcome },
): void {
  const { groupId } = group;
  const gone = new Set(members.map(({ memberId }) => memberId));
  const rest = [...group.members.values()].filter(({ memberId }) => !gone.has(memberId));
  for (const memberId of gone) machine.consumerTimers.cancelAll({ groupId, memberId });
  if (isDowngradeDue(machine.at.config(), rest)) {
    prepareDowngrade(machine, group, { members: rest, outcome, mustRebalance: true });
    return;
  }
  for (const memberId of gone) outcome.append(...memberTombstones(groupId, memberId));
  const kept = new Map(group.regexes);
  for (const regex of group.regexes.keys()) {
    if (rest.some(({ topicRegex }) => topicRegex === regex)) continue;
    kept.delete(regex);
    outcome.append(regexTombstone(groupId, regex));
  }
  const image = machine.at.image();
  const hash = metadataHash(subscribedTopics(rest, kept, image), image);
  outcome.append(groupEpochRecord(groupId, { epoch: group.groupEpoch + 1, metadataHash: hash }));
}

/** The session begins anew: the member was heard of. */
export function restartSession(
  machine: GroupMachine,
  groupId: string,
  member: Pick<ConsumerMember, 'memberId' | 'classic'>,
): void {
  const { memberId, classic } = member;
  const timeoutMs =
    classic?.sessionTimeoutMs ?? groupSetting(machine.at, groupId, 'session.timeout.ms');
  machine.consumerTimers.start('session', { groupId, memberId, timeoutMs }, (outcome) => {
    fence(machine, { groupId, memberId, outcome });
  });
}

/** A member that was told to let go has its rebalance timeout for it. */
export function updateRebalanceTimer(
  machine: GroupMachine,
  groupId: string,
  member: ConsumerMember,
): void {
  const { memberId, memberEpoch, rebalanceTimeoutMs: timeoutMs } = member;
  machine.consumerTimers.start('rebalance', { groupId, memberId, timeoutMs }, (outcome) => {
    const current = machine.consumerGroup(groupId)?.members.get(memberId);
    if (current?.memberEpoch === memberEpoch) fence(machine, { groupId, memberId, outcome });
  });
}

export function fence(
  machine: GroupMachine,
  { groupId, memberId, outcome }: { groupId: string; memberId: string; outcome: Outcome },
): void {
  const group = machine.consumerGroup(groupId);
  const member = group?.members.get(memberId);
  if (group === undefined || member === undefined) return;
  removeMembers(machine, group, { members: [member], outcome });
}
