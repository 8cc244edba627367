// Classic clients in a consumer group (KIP-848, online migration): JoinGroup is a heartbeat that
// says all, SyncGroup fetches what the coordinator assigned, Heartbeat tells the member to join
// again whenever there is a step for it to take.

import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import { consumerProtocolType } from '../classic/classic-group.ts';
import type { JoinAnswer, SyncAnswer } from '../classic/classic-member.ts';
import type { JoinContext, LeaveAnswer, LeaveGroupRequest } from '../classic/classic-requests.ts';
import type { HeartbeatRequest } from '../classic/heartbeat.ts';
import { failedJoin } from '../classic/rebalance.ts';
import { mayBringPartitions } from '../classic/subscription.ts';
import type { SyncGroupRequest } from '../classic/sync-group.ts';
import type { GroupMachine } from '../group-machine.ts';
import type { Outcome } from '../outcome.ts';
import { byTopicId, decodeSubscription, encodeAssignment } from './classic-protocol.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { advance, replaceStatic } from './consumer-heartbeat.ts';
import {
  type ClassicMemberMetadata,
  type ConsumerMember,
  MemberState,
  newConsumerMember,
  sortedNames,
} from './consumer-member.ts';
import { isDowngradeDue, prepareDowngrade } from './downgrade.ts';
import { assertHasRoom, assertIsOwnerOfInstance } from './membership.ts';
import { fence, removeMembers, restartSession } from './remove-members.ts';
import { membersWith } from './subscriptions.ts';

type ClassicConsumer = ConsumerMember & { readonly classic: ClassicMemberMetadata };

export function joinAsClassicMember(
  machine: GroupMachine,
  group: ConsumerGroup,
  { join, outcome }: { join: JoinContext; outcome: Outcome },
): JoinAnswer {
  const { request, client, apiVersion } = join;
  const { groupId, groupInstanceId: instanceId } = request;
  const isNameless = request.memberId === '';
  const memberId = isNameless ? machine.at.newUuid() : request.memberId;
  const config = machine.at.config();
  assertMayJoin(group, join, config.get('group.consumer.migration.policy'));
  assertHasRoom(group, { memberId, instanceId }, config.get('group.consumer.max.size'));
  if (isNameless && apiVersion >= 4 && instanceId === null) {
    return failedJoin(ErrorCode.MEMBER_ID_REQUIRED, memberId);
  }
  const found = findMember(group, { join, memberId, outcome });
  const subscription = decodeSubscription(request.protocols[0]?.metadata ?? Buffer.alloc(0));
  const { rebalanceTimeoutMs, sessionTimeoutMs } = request;
  const wanted = {
    ...found.member,
    instanceId,
    rackId: subscription.rackId ?? found.member.rackId,
    clientId: client.clientId,
    clientHost: client.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: null,
    topicNames: sortedNames(subscription.topics),
    topicRegex: '',
    classic: {
      sessionTimeoutMs,
      supportedProtocols: request.protocols.map(({ name, metadata }) => ({ name, metadata })),
    },
  };
  const owned = byTopicId(subscription.ownedPartitions, machine.at.image());
  const { member } = advance(machine, found.group, {
    member: found.member,
    wanted,
    owned,
    outcome,
  });
  if (found.replacedId !== null) {
    machine.consumerTimers.cancelAll({ groupId, memberId: found.replacedId });
  }
  maybeDowngrade(machine, { group, found, member, outcome });
  restartSession(machine, groupId, member);
  machine.consumerTimers.cancel('join', { groupId, memberId });
  startTimer(machine, groupId, { kind: 'sync', member });
  return {
    errorCode: 0,
    memberId,
    generationId: member.memberEpoch,
    protocolType: consumerProtocolType,
    protocolName: request.protocols[0]?.name ?? null,
    // Nobody leads: the coordinator assigns.
    leader: '',
    members: [],
  };
}

interface FoundMember {
  readonly group: ConsumerGroup;
  readonly member: ConsumerMember;
  readonly replacedId: string | null;
}

function findMember(
  group: ConsumerGroup,
  { join, memberId, outcome }: { join: JoinContext; memberId: string; outcome: Outcome },
): FoundMember {
  const { memberId: givenId, groupInstanceId: instanceId } = join.request;
  if (instanceId === null) {
    const member = group.members.get(memberId);
    // It was thrown out and brings what others may have by now: it must hear of that.
    if (member === undefined && mayBringPartitions(join.request.protocols)) {
      throw new KafkaError('UNKNOWN_MEMBER_ID');
    }
    return { group, member: member ?? newConsumerMember(memberId), replacedId: null };
  }
  const known = group.staticMember(instanceId);
  if (givenId !== '') {
    if (known === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID');
    assertIsOwnerOfInstance(known, givenId);
    return { group, member: known, replacedId: null };
  }
  if (known === undefined) return { group, member: newConsumerMember(memberId), replacedId: null };
  return replaceStatic(group, { known, memberId, outcome });
}

function assertMayJoin(group: ConsumerGroup, { request }: JoinContext, policy: string): void {
  const names = request.protocols.map(({ name }) => name);
  const classics = [...group.members.values()]
    .filter(({ memberId }) => memberId !== request.memberId)
    .map(({ classic }) => classic?.supportedProtocols.map(({ name }) => name))
    .filter((supported) => supported !== undefined);
  const isSupported =
    request.protocolType === consumerProtocolType &&
    names.some((name) => classics.every((supported) => supported.includes(name)));
  if (!isSupported || policy.toUpperCase() === 'DISABLED') {
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL');
  }
}

/** A classic process took the place of the last member of the new protocol. */
function maybeDowngrade(
  machine: GroupMachine,
  options: { group: ConsumerGroup; found: FoundMember; member: ConsumerMember; outcome: Outcome },
): void {
  const { found, member, outcome } = options;
  if (found.replacedId === null) return;
  const members = membersWith(found.group, member);
  if (!isDowngradeDue(machine.at.config(), members)) return;
  const all = found.group.copy();
  all.setMember(member);
  prepareDowngrade(machine, all, { members, outcome, mustRebalance: true });
}

export function syncAsClassicMember(
  machine: GroupMachine,
  group: ConsumerGroup,
  request: SyncGroupRequest,
): SyncAnswer {
  const { groupId } = group;
  const member = classicMember(group, request);
  if (request.generationId !== member.memberEpoch) throw new KafkaError('ILLEGAL_GENERATION');
  const { protocolType, protocolName } = request;
  const { supportedProtocols } = member.classic;
  const isSame =
    (protocolType === null || protocolType === consumerProtocolType) &&
    (protocolName === null || protocolName === supportedProtocols[0]?.name);
  if (!isSame) throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL');
  if (group.assignmentEpoch > member.memberEpoch && member.state !== MemberState.UNREVOKED) {
    startTimer(machine, groupId, { kind: 'join', member });
    throw new KafkaError('REBALANCE_IN_PROGRESS');
  }
  machine.consumerTimers.cancel('sync', { groupId, memberId: member.memberId });
  restartSession(machine, groupId, member);
  return {
    errorCode: 0,
    protocolType: consumerProtocolType,
    protocolName: supportedProtocols[0]?.name ?? null,
    assignment: encodeAssignment(member.assigned, member.classic, machine.at.image()),
  };
}

/** @throws KafkaError REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID, … */
export function heartbeatAsClassicMember(
  machine: GroupMachine,
  group: ConsumerGroup,
  request: HeartbeatRequest,
): void {
  const member = classicMember(group, request);
  if (request.generationId !== member.memberEpoch) throw new KafkaError('ILLEGAL_GENERATION');
  restartSession(machine, group.groupId, member);
  const hasStep =
    member.memberEpoch < group.assignmentEpoch ||
    member.state === MemberState.UNREVOKED ||
    (member.state === MemberState.UNRELEASED && !isWaitingForOthers(group, member));
  if (!hasStep) return;
  startTimer(machine, group.groupId, { kind: 'join', member });
  throw new KafkaError('REBALANCE_IN_PROGRESS');
}

function isWaitingForOthers(group: ConsumerGroup, member: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.targetOf(member.memberId)) {
    for (const partition of partitions) {
      if (member.assigned.get(topicId)?.has(partition) === true) continue;
      const owner = group.ownerOf(topicId, partition);
      if (owner !== undefined && owner !== member.memberId) return true;
    }
  }
  return false;
}

export function leaveAsClassicMembers(
  machine: GroupMachine,
  group: ConsumerGroup,
  options: { request: LeaveGroupRequest; apiVersion: number; outcome: Outcome },
): LeaveAnswer {
  const { request, apiVersion, outcome } = options;
  const leaving =
    apiVersion >= 3
      ? request.members
      : [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
  const gone: ConsumerMember[] = [];
  const members = leaving.map(({ memberId, groupInstanceId }) => {
    const found = leavingMember(group, { memberId, groupInstanceId });
    if (typeof found === 'number') return { memberId, groupInstanceId, errorCode: found };
    if (!gone.includes(found)) gone.push(found);
    return { memberId, groupInstanceId, errorCode: 0 };
  });
  if (gone.length > 0) removeMembers(machine, group, { members: gone, outcome });
  if (apiVersion >= 3) return { errorCode: 0, members };
  return { errorCode: members[0]?.errorCode ?? ErrorCode.NONE, members: [] };
}

/** An operator removes an instance of any protocol; a member by its id is a classic one. */
function leavingMember(
  group: ConsumerGroup,
  who: { readonly memberId: string; readonly groupInstanceId: string | null },
): ConsumerMember | number {
  try {
    if (who.memberId !== '') return classicMember(group, who);
    const member =
      who.groupInstanceId === null ? undefined : group.staticMember(who.groupInstanceId);
    return member ?? ErrorCode.UNKNOWN_MEMBER_ID;
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
function classicMember(
  group: ConsumerGroup,
  who: { readonly memberId: string; readonly groupInstanceId: string | null },
): ClassicConsumer {
  const { memberId, groupInstanceId } = who;
  const member =
    groupInstanceId === null ? group.members.get(memberId) : group.staticMember(groupInstanceId);
  if (member === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID');
  if (groupInstanceId !== null) assertIsOwnerOfInstance(member, memberId);
  if (member.classic === null) throw new KafkaError('UNKNOWN_MEMBER_ID');
  return member as ClassicConsumer;
}

/** What a classic member owes has its rebalance timeout. */
function startTimer(
  machine: GroupMachine,
  groupId: string,
  { kind, member }: { kind: 'join' | 'sync'; member: ConsumerMember },
): void {
  const { memberId, rebalanceTimeoutMs: timeoutMs } = member;
  machine.consumerTimers.startIfAbsent(kind, { groupId, memberId, timeoutMs }, (outcome) => {
    fence(machine, { groupId, memberId, outcome });
  });
}
