// JoinGroup: who may come in, under which id, and whether that disturbs the others. Whoever comes
// in or changes is parked here (`park`) and answered when the join phase ends (rebalance.ts).

import { Deferred } from '../../../base/deferred.ts';
import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import { isSameSubscription, owesAnotherJoin } from '../consumer-protocol.ts';
import type { Outcome } from '../decision.ts';
import type { ClassicGroup } from './classic-group.ts';
import { ClassicMember } from './classic-member.ts';
import {
  failedJoin,
  failedSync,
  type Join,
  type JoinAnswer,
  rebalanceTimeoutOf,
} from './classic-protocol.ts';
import { assertMember } from './fencing.ts';
import { groupMetadataRecord } from './group-metadata.ts';
import { joinAnswer, membersOf, type Rebalance } from './rebalance.ts';
import { newMemberTimeoutMs } from './sessions.ts';

/** A JoinGroup, and the group that it came to. */
export interface Joining extends Join {
  readonly rebalance: Rebalance;
  readonly group: ClassicGroup;
  readonly outcome: Outcome;
  /** The machine was loaded a moment ago: ids that it does not know may have been pending. */
  readonly isIdTrusted: boolean;
}

type Answer = JoinAnswer | Promise<JoinAnswer>;

/** From this version on a dynamic member comes twice (KIP-394). */
const idRequiredVersionMin = 4;
/** From this version on the leader can be told not to compute an assignment (KIP-814). */
const skipAssignmentVersionMin = 9;

/** @throws KafkaError before anything changed; answers that name an id are values. */
export function joinClassicGroup(joining: Joining): Answer {
  const { group, request } = joining;
  if (group.state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
  if (!hasRoom(joining)) return refuse(joining);
  if (!group.supports(request.protocolType, request.protocols)) {
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL');
  }
  return request.memberId === '' ? joinNew(joining) : joinKnown(joining);
}

/** Members may always come back; while the group gathers, those who wait are those who count. */
function hasRoom({ rebalance, group, request }: Joining): boolean {
  const membersMax = rebalance.at.config().get('group.max.size');
  const member = group.members.get(request.memberId);
  if (group.isEmpty) return true;
  if (group.state === 'PreparingRebalance') {
    return (member?.joinAnswer ?? null) !== null || group.awaitingJoinCount < membersMax;
  }
  return member !== undefined || group.members.size < membersMax;
}

function refuse({ rebalance, group, request, outcome }: Joining): JoinAnswer {
  const member = group.members.get(request.memberId);
  if (member !== undefined) rebalance.removeMember(group, member, outcome);
  return failedJoin(ErrorCode.GROUP_MAX_SIZE_REACHED, '');
}

function joinNew(joining: Joining): Answer {
  const { rebalance, group, request, client, apiVersion } = joining;
  const { groupInstanceId } = request;
  const memberId = `${groupInstanceId ?? client.clientId}-${rebalance.at.newUuid()}`;
  const oldMemberId = group.memberIdOf(groupInstanceId);
  if (oldMemberId !== undefined) {
    const old = group.members.get(oldMemberId) as ClassicMember;
    return replaceStatic(joining, old, memberId);
  }
  if (groupInstanceId === null && apiVersion >= idRequiredVersionMin) {
    rebalance.addPending(group, memberId, request.sessionTimeoutMs);
    return failedJoin(ErrorCode.MEMBER_ID_REQUIRED, memberId);
  }
  return add(joining, memberId);
}

function joinKnown(joining: Joining): Answer {
  const { group, request, isIdTrusted } = joining;
  const { memberId, groupInstanceId } = request;
  const isUnheard = isIdTrusted && groupInstanceId === null;
  if (group.pendingMembers.has(memberId) || (isUnheard && !group.members.has(memberId))) {
    group.pendingMembers.get(memberId)?.cancel();
    group.pendingMembers.delete(memberId);
    return add(joining, memberId);
  }
  const member = assertMember(group, memberId, groupInstanceId);
  const isUnchanged = member.matches(request.protocols);
  switch (group.state) {
    case 'PreparingRebalance':
      return update(joining, member);
    case 'CompletingRebalance':
      // Our answer was lost: here it is again.
      return isUnchanged ? joinAnswer(group, member) : update(joining, member);
    case 'Stable':
      // A leader joins again to have the assignment computed anew.
      return isUnchanged && group.leaderId !== memberId
        ? joinAnswer(group, member)
        : update(joining, member);
    default:
      throw new KafkaError('UNKNOWN_MEMBER_ID');
  }
}

function add(joining: Joining, memberId: string): Promise<JoinAnswer> {
  const { rebalance, group, request, outcome } = joining;
  const member = newMember(joining, memberId);
  member.isNew = true;
  group.add(member, request.protocolType);
  if (group.isInitialRebalance) group.hasNewMember = true;
  const answer = park(group, member);
  rebalance.sessions.restart(group, member, newMemberTimeoutMs);
  rebalance.prepareOrComplete(group, outcome);
  return answer;
}

function update(joining: Joining, member: ClassicMember): Promise<JoinAnswer> {
  const { rebalance, group, request, client, outcome } = joining;
  group.setProtocols(member, request.protocols);
  member.sessionTimeoutMs = request.sessionTimeoutMs;
  member.rebalanceTimeoutMs = rebalanceTimeoutOf(request);
  member.clientId = client.clientId;
  member.clientHost = client.clientHost;
  const answer = park(group, member);
  rebalance.sessions.restart(group, member);
  rebalance.prepareOrComplete(group, outcome);
  return answer;
}

/** A request of the same member that still waits belongs to a connection that is gone. */
function park(group: ClassicGroup, member: ClassicMember): Promise<JoinAnswer> {
  const answer = new Deferred<JoinAnswer>();
  const earlier = group.takeJoin(member);
  group.awaitJoin(member, answer.resolve);
  earlier?.(failedJoin(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId));
  return answer.promise;
}

/** The process behind a static member restarted: it takes its old place under a new id. */
function replaceStatic(joining: Joining, old: ClassicMember, memberId: string): Answer {
  const { rebalance, group, outcome } = joining;
  const member = newMember(joining, memberId);
  member.assignment = old.assignment;
  const metadataBefore = old.metadataOf(group.protocolName);
  const leaderBefore = group.leaderId ?? '';
  const answerJoin = group.takeJoin(old);
  const answerSync = group.takeSync(old);
  outcome.whenCommitted(() => {
    answerJoin?.(failedJoin(ErrorCode.FENCED_INSTANCE_ID, old.memberId));
    answerSync?.(failedSync(ErrorCode.FENCED_INSTANCE_ID));
  });
  group.replace(old, member);
  rebalance.sessions.restart(group, member);
  // What the old process was about to give away would stay without an owner.
  const isAsBefore =
    !owesAnotherJoin(metadataBefore, old.assignment) &&
    group.selectProtocol() === group.protocolName &&
    isSameSubscription(member.metadataOf(group.protocolName), metadataBefore);
  if (group.state !== 'Stable' || !isAsBefore) {
    const answer = park(group, member);
    rebalance.prepareOrComplete(group, outcome);
    return answer;
  }
  outcome.append(groupMetadataRecord(group));
  if (group.leaderId !== memberId) return joinAnswer(group, member);
  // The leader gets nothing to do, or it would hand out an assignment that nobody waits for:
  // where the version can say so it is told, before that it is not told that it leads.
  return joining.apiVersion >= skipAssignmentVersionMin
    ? { ...joinAnswer(group, member), members: membersOf(group), skipAssignment: true }
    : { ...joinAnswer(group, member), members: [], leader: leaderBefore };
}

function newMember({ request, client }: Join, memberId: string): ClassicMember {
  return new ClassicMember({
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: client.clientId,
    clientHost: client.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutOf(request),
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: request.protocols,
  });
}
