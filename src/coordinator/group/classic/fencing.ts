// Who a request of a group member comes from, and whether it may: the errors that keep those out
// who were replaced, removed, or are a generation behind. A Heartbeat asks nothing else. Offsets
// are committed by nobody but the members of the current generation, and by anybody while the group
// has none.

import { KafkaError } from '../../../protocol/index.ts';
import type { CommitRequest, TransactionalCommitRequest } from '../offsets/index.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { ClassicMember } from './classic-member.ts';
import type { HeartbeatRequest } from './classic-protocol.ts';
import type { Sessions } from './sessions.ts';

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
export function assertMember(
  group: ClassicGroup,
  memberId: string,
  groupInstanceId: string | null,
): ClassicMember {
  if (groupInstanceId !== null) {
    const current = group.memberIdOf(groupInstanceId);
    if (current === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID');
    if (current !== memberId) throw new KafkaError('FENCED_INSTANCE_ID');
  }
  const member = group.members.get(memberId);
  if (member === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID');
  return member;
}

/** @throws KafkaError ILLEGAL_GENERATION */
export function assertGeneration(group: ClassicGroup, generationId: number): void {
  if (generationId !== group.generationId) throw new KafkaError('ILLEGAL_GENERATION');
}

/**
 * A member lives, and hears whether it should join again.
 * @throws KafkaError REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, …
 */
export function heartbeatClassicGroup(
  sessions: Sessions,
  group: ClassicGroup,
  request: HeartbeatRequest,
): void {
  if (group.state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
  const member = assertMember(group, request.memberId, request.groupInstanceId);
  assertGeneration(group, request.generationId);
  if (group.state === 'Empty') throw new KafkaError('UNKNOWN_MEMBER_ID');
  sessions.restart(group, member);
  if (group.state === 'PreparingRebalance') throw new KafkaError('REBALANCE_IN_PROGRESS');
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, … */
export function assertMayCommit(
  group: ClassicGroup,
  request: CommitRequest,
  sessions: Sessions,
): void {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request;
  if (group.state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
  if (generationId < 0 && group.state === 'Empty') return;
  if (generationId < 0 && memberId === '' && groupInstanceId === null) {
    // A commit from outside, while the members commit for themselves.
    throw new KafkaError('UNKNOWN_MEMBER_ID');
  }
  const member = assertMember(group, memberId, groupInstanceId);
  assertGeneration(group, generationId);
  if (group.state === 'CompletingRebalance') throw new KafkaError('REBALANCE_IN_PROGRESS');
  sessions.restart(group, member);
}

/**
 * The same in a transaction (KIP-447). Older producers do not say for whom they commit: they are
 * believed, and fenced by the epochs of their transactional id.
 */
export function assertMayCommitInTransaction(
  group: ClassicGroup,
  request: TransactionalCommitRequest,
): void {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request;
  if (group.state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
  const saysNobody = memberId === '' && groupInstanceId === null;
  if (generationId < 0 && (group.state === 'Empty' || saysNobody)) return;
  assertMember(group, memberId, groupInstanceId);
  assertGeneration(group, generationId);
}
