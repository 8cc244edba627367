// JoinGroup, SyncGroup, Heartbeat, LeaveGroup and ConsumerGroupHeartbeat, from the group id on:
// which kind of group it is, whether it may be made or become another kind, and what there is to
// check before it is asked. The kinds know nothing of each other: this is where they part.
//
//   request                 classic group     consumer group                 neither
//   JoinGroup and so on     classic/          migration/classic-clients.ts   made by JoinGroup
//   ConsumerGroupHeartbeat  migration/upgrade.ts, then consumer/             made by a join

import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import {
  type HeartbeatRequest,
  heartbeatClassicGroup,
  type Join,
  type JoinAnswer,
  joinClassicGroup,
  type LeaveAnswer,
  type LeaveGroupRequest,
  leaveAnswer,
  leaveClassicGroup,
  leavingMembers,
  type SyncAnswer,
  type SyncGroupRequest,
  syncClassicGroup,
} from '../classic/index.ts';
import {
  awayEpoch,
  type ConsumerHeartbeat,
  type ConsumerHeartbeatAnswer,
  type ConsumerHeartbeatRequest,
  heartbeatConsumerGroup,
  joiningEpoch,
  leaveForAWhile,
  leavingMember,
} from '../consumer/index.ts';
import { mayBringPartitions } from '../consumer-protocol.ts';
import type { Outcome } from '../decision.ts';
import { stringBytesMax } from '../group-record.ts';
import type { GroupTable } from '../group-table.ts';
import {
  heartbeatAsClassicClient,
  joinAsClassicClient,
  leaveAsClassicClients,
  openForConsumers,
  removeMembersOrDowngrade,
  syncAsClassicClient,
} from '../migration/index.ts';

/**
 * For this long after a start an id is believed that only a coordinator that is gone can have
 * given out, if its owner holds nothing that it could lose, as in the middle of its first join.
 * Whoever brings partitions was thrown out, and others may have them: it must hear of that.
 */
const trustIdsMs = 60_000;
const generatedId = /-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The answer is parked until everybody has joined. */
export function onJoin(
  table: GroupTable,
  join: Join,
  outcome: Outcome,
): JoinAnswer | Promise<JoinAnswer> {
  const { request } = join;
  const { groupId, memberId, sessionTimeoutMs } = request;
  const config = table.at.config();
  const isTimeoutAllowed =
    sessionTimeoutMs >= config.get('group.min.session.timeout.ms') &&
    sessionTimeoutMs <= config.get('group.max.session.timeout.ms');
  if (!isTimeoutAllowed) throw new KafkaError('INVALID_SESSION_TIMEOUT');
  assertNamesFit(join);
  const consumers = table.consumerGroup(groupId);
  if (consumers !== undefined && !consumers.isEmpty) {
    return joinAsClassicClient(table, consumers, { join, outcome });
  }
  const isIdTrusted = isIdOfPredecessor(table, memberId) && !mayBringPartitions(request.protocols);
  if (memberId !== '' && !isIdTrusted) table.classicMembersGroup(groupId);
  table.replaceEmptyConsumerGroup(groupId, outcome);
  const group = table.classicGroup(groupId);
  const { rebalance } = table;
  try {
    return joinClassicGroup({ ...join, rebalance, group, outcome, isIdTrusted });
  } catch (error) {
    table.maybeForget(group);
    if (consumers !== undefined) table.groups.set(groupId, consumers);
    throw error;
  }
}

/** The record of the group has lengths of 16 bits for these, and the id is made of them. */
function assertNamesFit({ request, client }: Join): void {
  const idBytes = 40;
  const names = [client.clientId, request.groupInstanceId ?? '', request.memberId];
  const areFit = names.every((name) => Buffer.byteLength(name) + idBytes <= stringBytesMax);
  if (!areFit) throw new KafkaError('INVALID_REQUEST', 'a name of the member is too long');
}

function isIdOfPredecessor(table: GroupTable, memberId: string): boolean {
  const { loadedAtMs, hadPredecessor, at } = table;
  return (
    hadPredecessor &&
    loadedAtMs !== null &&
    at.clock.monotonic() < loadedAtMs + trustIdsMs &&
    generatedId.test(memberId)
  );
}

/** The answer is parked until the leader has brought the assignment. */
export function onSync(
  table: GroupTable,
  request: SyncGroupRequest,
  outcome: Outcome,
): SyncAnswer | Promise<SyncAnswer> {
  const consumers = table.consumerGroup(request.groupId);
  if (consumers !== undefined) return syncAsClassicClient(table, consumers, request);
  const group = table.classicMembersGroup(request.groupId);
  return syncClassicGroup(table.rebalance, group, { request, outcome });
}

export function onHeartbeat(table: GroupTable, request: HeartbeatRequest): void {
  const consumers = table.consumerGroup(request.groupId);
  if (consumers !== undefined) {
    heartbeatAsClassicClient(table, consumers, request);
    return;
  }
  const group = table.classicMembersGroup(request.groupId);
  heartbeatClassicGroup(table.rebalance.sessions, group, request);
}

export function onLeave(
  table: GroupTable,
  { request, apiVersion }: { request: LeaveGroupRequest; apiVersion: number },
  outcome: Outcome,
): LeaveAnswer {
  const leaving = { members: leavingMembers(request, apiVersion), outcome };
  const consumers = table.consumerGroup(request.groupId);
  if (consumers !== undefined) {
    return leaveAnswer(leaveAsClassicClients(table, consumers, leaving), apiVersion);
  }
  if (table.groups.get(request.groupId) === undefined) {
    const errorCode = ErrorCode.UNKNOWN_MEMBER_ID;
    const left = leaving.members.map(({ memberId, groupInstanceId }) => {
      return { memberId, groupInstanceId, errorCode };
    });
    return leaveAnswer(left, apiVersion);
  }
  const group = table.classicMembersGroup(request.groupId);
  return leaveAnswer(leaveClassicGroup(table.rebalance, group, leaving), apiVersion);
}

/** @throws KafkaError before anything changed */
export function onConsumerHeartbeat(
  table: GroupTable,
  { request, client, rights }: ConsumerHeartbeat,
  outcome: Outcome,
): ConsumerHeartbeatAnswer {
  const { groupId, memberEpoch } = request;
  if (memberEpoch < joiningEpoch) {
    leaveConsumerGroup(table, request, outcome);
    return { errorCode: 0, memberId: request.memberId, memberEpoch, heartbeatIntervalMs: 0 };
  }
  const isJoin = memberEpoch === joiningEpoch;
  const opened = openForConsumers(table, groupId, { isJoin, outcome });
  return heartbeatConsumerGroup(table.consumerTimers, opened, { request, client, rights, outcome });
}

function leaveConsumerGroup(
  table: GroupTable,
  request: ConsumerHeartbeatRequest,
  outcome: Outcome,
): void {
  const { groupId, memberId, memberEpoch, instanceId } = request;
  const group = table.consumerGroup(groupId);
  if (group === undefined) {
    throw new KafkaError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`);
  }
  const member = leavingMember(group, request);
  if (instanceId === null || memberEpoch !== awayEpoch) {
    removeMembersOrDowngrade(table, group, { members: [member], outcome });
    return;
  }
  table.consumerTimers.cancel('rebalance', { groupId, memberId });
  leaveForAWhile(groupId, member, outcome);
}
