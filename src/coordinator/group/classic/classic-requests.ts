// The requests of members of classic groups, from the group id on: which group is meant, whether
// it may be made, and what there is to check before any group is asked.

import {
  ErrorCode,
  KafkaError,
  type leaveGroup,
  type RequestOf,
  type ResponseInput,
} from '../../../protocol/index.ts';
import {
  heartbeatAsClassicMember,
  joinAsClassicMember,
  leaveAsClassicMembers,
  syncAsClassicMember,
} from '../consumer/classic-members.ts';
import type { GroupClient } from '../group-context.ts';
import type { GroupMachine } from '../group-machine.ts';
import { stringBytesMax } from '../offsets/commit-offsets.ts';
import type { Outcome } from '../outcome.ts';
import type { JoinAnswer, SyncAnswer } from './classic-member.ts';
import { type HeartbeatRequest, onHeartbeat } from './heartbeat.ts';
import { JoinGroup, type JoinGroupRequest } from './join-group.ts';
import { leave } from './leave-group.ts';
import { mayBringPartitions } from './subscription.ts';
import { SyncGroup, type SyncGroupRequest } from './sync-group.ts';

export interface JoinContext {
  readonly request: JoinGroupRequest;
  readonly client: GroupClient;
  readonly apiVersion: number;
}

export type LeaveGroupRequest = RequestOf<typeof leaveGroup>;
export type LeaveAnswer = Omit<ResponseInput<typeof leaveGroup>, 'throttleTimeMs'>;

/**
 * For this long after a start an id is believed that only a coordinator that is gone can have
 * given out, if its owner holds nothing that it could lose, as in the middle of its first join.
 * Whoever brings partitions was thrown out, and others may have them: it must hear of that.
 */
const trustIdsMs = 60_000;
const generatedId = /-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function assertGroupId(groupId: string): void {
  const isValid = groupId !== '' && Buffer.byteLength(groupId) <= stringBytesMax;
  if (!isValid) throw new KafkaError('INVALID_GROUP_ID');
}

export function joinClassicGroup(
  machine: GroupMachine,
  { request, client, apiVersion }: JoinContext,
  outcome: Outcome,
): JoinAnswer | Promise<JoinAnswer> {
  const { groupId, memberId, sessionTimeoutMs } = request;
  const config = machine.at.config();
  const isTimeoutAllowed =
    sessionTimeoutMs >= config.get('group.min.session.timeout.ms') &&
    sessionTimeoutMs <= config.get('group.max.session.timeout.ms');
  if (!isTimeoutAllowed) throw new KafkaError('INVALID_SESSION_TIMEOUT');
  assertNamesFit(request, client);
  const consumers = machine.consumerGroup(groupId);
  if (consumers !== undefined && !consumers.isEmpty) {
    const join = { request, client, apiVersion };
    return joinAsClassicMember(machine, consumers, { join, outcome });
  }
  const isIdTrusted =
    isIdOfPredecessor(machine, memberId) && !mayBringPartitions(request.protocols);
  if (memberId !== '' && !isIdTrusted) machine.classicMembersGroup(groupId);
  machine.replaceEmptyConsumerGroup(groupId, outcome);
  const group = machine.classicGroup(groupId);
  try {
    return new JoinGroup(machine.rebalance).join(
      group,
      {
        request,
        client,
        isIdRequiredFirst: apiVersion >= 4,
        canSkipAssignment: apiVersion >= 9,
        isIdTrusted,
      },
      outcome,
    );
  } catch (error) {
    machine.maybeForget(group);
    if (consumers !== undefined) machine.groups.set(groupId, consumers);
    throw error;
  }
}

/** The record of the group has lengths of 16 bits for these, and the id is made of them. */
function assertNamesFit(request: JoinGroupRequest, client: GroupClient): void {
  const idBytes = 40;
  const names = [client.clientId, request.groupInstanceId ?? '', request.memberId];
  const areFit = names.every((name) => Buffer.byteLength(name) + idBytes <= stringBytesMax);
  if (!areFit) throw new KafkaError('INVALID_REQUEST', 'a name of the member is too long');
}

function isIdOfPredecessor(machine: GroupMachine, memberId: string): boolean {
  const { loadedAtMs, hadPredecessor, at } = machine;
  return (
    hadPredecessor &&
    loadedAtMs !== null &&
    at.clock.monotonic() < loadedAtMs + trustIdsMs &&
    generatedId.test(memberId)
  );
}

export function syncClassicGroup(
  machine: GroupMachine,
  request: SyncGroupRequest,
  outcome: Outcome,
): SyncAnswer | Promise<SyncAnswer> {
  const consumers = machine.consumerGroup(request.groupId);
  if (consumers !== undefined) return syncAsClassicMember(machine, consumers, request);
  const group = machine.classicMembersGroup(request.groupId);
  return new SyncGroup(machine.rebalance).sync(group, request, outcome);
}

export function heartbeatClassicGroup(machine: GroupMachine, request: HeartbeatRequest): void {
  const consumers = machine.consumerGroup(request.groupId);
  if (consumers !== undefined) {
    heartbeatAsClassicMember(machine, consumers, request);
    return;
  }
  const group = machine.classicMembersGroup(request.groupId);
  onHeartbeat(machine.rebalance, group, request);
}

/** Up to version 2 one member leaves and its error is that of the answer. */
export function leaveClassicGroup(
  machine: GroupMachine,
  { request, apiVersion }: { request: LeaveGroupRequest; apiVersion: number },
  outcome: Outcome,
): LeaveAnswer {
  const consumers = machine.consumerGroup(request.groupId);
  if (consumers !== undefined) {
    return leaveAsClassicMembers(machine, consumers, { request, apiVersion, outcome });
  }
  const group = machine.classicMembersGroup(request.groupId);
  if (group.state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
  const members =
    apiVersion >= 3
      ? request.members
      : [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
  const left = leave(machine.rebalance, group, { members, outcome });
  if (apiVersion >= 3) return { errorCode: 0, members: left };
  return { errorCode: left[0]?.errorCode ?? ErrorCode.NONE, members: [] };
}
