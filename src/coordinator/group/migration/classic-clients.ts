// Classic clients in a consumer group (KIP-848, online migration): JoinGroup is a heartbeat that
// says all, SyncGroup fetches what the coordinator assigned, Heartbeat tells the member to join
// again whenever there is a step for it to take.

import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import {
  failedJoin,
  type HeartbeatRequest,
  type Join,
  type JoinAnswer,
  type LeavingMember,
  type LeftMember,
  rebalanceTimeoutOf,
  type SyncAnswer,
  type SyncGroupRequest,
} from '../classic/index.ts';
import {
  advance,
  assertHasRoom,
  assertIsOwnerOfInstance,
  type ClassicMemberMetadata,
  type ConsumerGroup,
  type ConsumerMember,
  type FoundMember,
  MemberState,
  membersWith,
  newConsumerMember,
  replaceStatic,
  sortedNames,
} from '../consumer/index.ts';
import {
  consumerProtocolType,
  decodeSubscription,
  mayBringPartitions,
} from '../consumer-protocol.ts';
import type { Outcome } from '../decision.ts';
import type { GroupTable } from '../group-table.ts';
import { byTopicId, encodeAssignment } from './assigned-partitions.ts';
import { downgrade, isDowngradeDue, removeMembersOrDowngrade } from './downgrade.ts';

type ClassicConsumer = ConsumerMember & { readonly classic: ClassicMemberMetadata };

export function joinAsClassicClient(
  table: GroupTable,
  group: ConsumerGroup,
  { join, outcome }: { join: Join; outcome: Outcome },
): JoinAnswer {
  const { request, client, apiVersion } = join;
  const { groupId, groupInstanceId: instanceId } = request;
  const isNameless = request.memberId === '';
  const memberId = isNameless ? table.at.newUuid() : request.memberId;
  const config = table.at.config();
  assertMayJoin(group, join, config.get('group.consumer.migration.policy'));
  assertHasRoom(group, { memberId, instanceId }, config.get('group.consumer.max.size'));
  if (isNameless && apiVersion >= 4 && instanceId === null) {
    return failedJoin(ErrorCode.MEMBER_ID_REQUIRED, memberId);
  }
  const found = findMember(group, { join, memberId, outcome });
  const subscription = decodeSubscription(request.protocols[0]?.metadata ?? Buffer.alloc(0));
  const { sessionTimeoutMs } = request;
  const wanted = {
    ...found.member,
    instanceId,
    rackId: subscription.rackId ?? found.member.rackId,
    clientId: client.clientId,
    clientHost: client.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutOf(request),
    serverAssignor: null,
    topicNames: sortedNames(subscription.topics),
    topicRegex: '',
    classic: {
      sessionTimeoutMs,
      supportedProtocols: request.protocols.map(({ name, metadata }) => ({ name, metadata })),
    },
  };
  const owned = byTopicId(subscription.ownedPartitions, table.at.image());
  const member = advance(table.at, found.group, { member: found.member, wanted, owned, outcome });
  if (found.replacedId !== null) {
    table.consumerTimers.cancelAll({ groupId, memberId: found.replacedId });
  }
  maybeDowngrade(table, { group, found, member, outcome });
  table.consumerTimers.restartSession(groupId, member);
  table.consumerTimers.cancel('join', { groupId, memberId });
  table.consumerTimers.startIfAbsent('sync', groupId, member);
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

function findMember(
  group: ConsumerGroup,
  { join, memberId, outcome }: { join: Join; memberId: string; outcome: Outcome },
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

function assertMayJoin(group: ConsumerGroup, { request }: Join, policy: string): void {
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
  table: GroupTable,
  options: { group: ConsumerGroup; found: FoundMember; member: ConsumerMember; outcome: Outcome },
): void {
  const { found, member, outcome } = options;
  if (found.replacedId === null) return;
  const members = membersWith(found.group, member);
  if (!isDowngradeDue(table.at.config(), members)) return;
  const all = found.group.copy();
  all.setMember(member);
  downgrade(table, all, { members, outcome });
}

export function syncAsClassicClient(
  table: GroupTable,
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
    table.consumerTimers.startIfAbsent('join', groupId, member);
    throw new KafkaError('REBALANCE_IN_PROGRESS');
  }
  table.consumerTimers.cancel('sync', { groupId, memberId: member.memberId });
  table.consumerTimers.restartSession(groupId, member);
  return {
    errorCode: 0,
    protocolType: consumerProtocolType,
    protocolName: supportedProtocols[0]?.name ?? null,
    assignment: encodeAssignment(member.assigned, member.classic, table.at.image()),
  };
}

/** @throws KafkaError REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID, … */
export function heartbeatAsClassicClient(
  table: GroupTable,
  group: ConsumerGroup,
  request: HeartbeatRequest,
): void {
  const member = classicMember(group, request);
  if (request.generationId !== member.memberEpoch) throw new KafkaError('ILLEGAL_GENERATION');
  table.consumerTimers.restartSession(group.groupId, member);
  const hasStep =
    member.memberEpoch < group.assignmentEpoch ||
    member.state === MemberState.UNREVOKED ||
    (member.state === MemberState.UNRELEASED && !isWaitingForOthers(group, member));
  if (!hasStep) return;
  table.consumerTimers.startIfAbsent('join', group.groupId, member);
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

/** Every member has an answer of its own. */
export function leaveAsClassicClients(
  table: GroupTable,
  group: ConsumerGroup,
  { members, outcome }: { members: readonly LeavingMember[]; outcome: Outcome },
): LeftMember[] {
  const gone = new Set<ConsumerMember>();
  const left = members.map(({ memberId, groupInstanceId }) => {
    const found = leavingMember(group, { memberId, groupInstanceId });
    if (typeof found === 'number') return { memberId, groupInstanceId, errorCode: found };
    gone.add(found);
    return { memberId, groupInstanceId, errorCode: 0 };
  });
  if (gone.size > 0) removeMembersOrDowngrade(table, group, { members: [...gone], outcome });
  return left;
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
