// Who may commit offsets for a classic group: nobody but its members of the current generation,
// and anybody while it has none.

import { KafkaError } from '../../../protocol/index.ts';
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
