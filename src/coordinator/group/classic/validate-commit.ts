// Who may commit offsets for a classic group: nobody but its members of the current generation,
// and anybody while it has none.

import { KafkaError } from '../../../protocol/index.ts';
import type { TransactionalCommitRequest } from '../offsets/commit-in-transaction.ts';
import type { CommitRequest } from '../offsets/commit-offsets.ts';
import type { ClassicGroup } from './classic-group.ts';
import { assertGeneration, assertMember } from './fencing.ts';
import type { Sessions } from './sessions.ts';

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
