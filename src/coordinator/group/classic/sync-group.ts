// SyncGroup: the leader brings the assignment, everybody takes his part.

import { Deferred } from '../../../base/deferred.ts';
import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import type { Outcome } from '../decision.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { ClassicMember } from './classic-member.ts';
import { failedSync, noBytes, type SyncAnswer, type SyncGroupRequest } from './classic-protocol.ts';
import { assertGeneration, assertMember } from './fencing.ts';
import { groupMetadataBytes, groupMetadataRecord } from './group-metadata.ts';
import type { Rebalance } from './rebalance.ts';

/** @throws KafkaError REBALANCE_IN_PROGRESS, INCONSISTENT_GROUP_PROTOCOL, those of fencing.ts */
export function syncClassicGroup(
  rebalance: Rebalance,
  group: ClassicGroup,
  { request, outcome }: { request: SyncGroupRequest; outcome: Outcome },
): SyncAnswer | Promise<SyncAnswer> {
  if (group.state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
  const member = assertMember(group, request.memberId, request.groupInstanceId);
  assertGeneration(group, request.generationId);
  assertProtocol(group, request);
  switch (group.state) {
    case 'PreparingRebalance':
      throw new KafkaError('REBALANCE_IN_PROGRESS');
    case 'CompletingRebalance': {
      const answer = park(group, member);
      if (group.leaderId === member.memberId) assign(rebalance, group, { request, outcome });
      return answer;
    }
    case 'Stable':
      group.pendingSyncs.delete(member.memberId);
      rebalance.sessions.restart(group, member);
      return syncAnswer(group, member);
    default:
      throw new KafkaError('UNKNOWN_MEMBER_ID');
  }
}

function park(group: ClassicGroup, member: ClassicMember): Promise<SyncAnswer> {
  const answer = new Deferred<SyncAnswer>();
  const earlier = group.takeSync(member);
  member.syncAnswer = answer.resolve;
  group.pendingSyncs.delete(member.memberId);
  earlier?.(failedSync(ErrorCode.REBALANCE_IN_PROGRESS));
  return answer.promise;
}

function assign(
  rebalance: Rebalance,
  group: ClassicGroup,
  { request, outcome }: { request: SyncGroupRequest; outcome: Outcome },
): void {
  const { at } = rebalance;
  const assignments = new Map(
    request.assignments.map(({ memberId, assignment }) => [memberId, assignment]),
  );
  const assignmentOf = ({ memberId }: ClassicMember): Buffer =>
    assignments.get(memberId) ?? noBytes;
  if (groupMetadataBytes(group, assignmentOf) > at.recordBytesMax()) {
    // What cannot be written is not handed out: the members learn it and try again.
    rebalance.failSyncs(group, ErrorCode.UNKNOWN_SERVER_ERROR, outcome);
    rebalance.prepare(group, outcome);
    return;
  }
  group.become('Stable', at.clock.now());
  for (const member of group.members.values()) {
    member.assignment = assignmentOf(member);
    const respond = group.takeSync(member);
    if (respond === null) continue;
    rebalance.sessions.restart(group, member);
    const answer = syncAnswer(group, member);
    outcome.whenCommitted(() => respond(answer));
  }
  outcome.append(groupMetadataRecord(group));
}

/** KIP-559: a member that joined with another protocol in mind must not take the assignment. */
function assertProtocol(group: ClassicGroup, request: SyncGroupRequest): void {
  const isSame =
    (request.protocolType === null || request.protocolType === group.protocolType) &&
    (request.protocolName === null || request.protocolName === group.protocolName);
  if (!isSame) throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL');
}

function syncAnswer(group: ClassicGroup, member: ClassicMember): SyncAnswer {
  return {
    errorCode: 0,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  };
}
