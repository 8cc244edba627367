// LeaveGroup: members go, each by its id, or by its instance id when an operator removes it.

import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import type { Outcome } from '../decision.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { ClassicMember } from './classic-member.ts';
import type { LeavingMember, LeftMember } from './classic-protocol.ts';
import { assertMember } from './fencing.ts';
import type { Rebalance } from './rebalance.ts';

/** Every member has an answer of its own. */
export function leaveClassicGroup(
  rebalance: Rebalance,
  group: ClassicGroup,
  { members, outcome }: { members: readonly LeavingMember[]; outcome: Outcome },
): LeftMember[] {
  if (group.state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
  return members.map((leaving) => {
    const { memberId, groupInstanceId } = leaving;
    const errorCode = leaveOne(rebalance, group, { leaving, outcome });
    return { memberId, groupInstanceId, errorCode };
  });
}

function leaveOne(
  rebalance: Rebalance,
  group: ClassicGroup,
  { leaving, outcome }: { leaving: LeavingMember; outcome: Outcome },
): number {
  const { memberId, groupInstanceId } = leaving;
  if (group.pendingMembers.has(memberId)) {
    if (groupInstanceId !== null) return ErrorCode.UNKNOWN_MEMBER_ID;
    rebalance.removePending(group, memberId, outcome);
    return 0;
  }
  const member = leavingMember(group, leaving);
  if (typeof member === 'number') return member;
  rebalance.removeMember(group, member, outcome);
  return 0;
}

/** The member, or the code of the error. */
function leavingMember(group: ClassicGroup, leaving: LeavingMember): ClassicMember | number {
  const { groupInstanceId } = leaving;
  // An operator knows instances, not ids.
  const memberId = leaving.memberId === '' ? group.memberIdOf(groupInstanceId) : leaving.memberId;
  try {
    return assertMember(group, memberId ?? '', groupInstanceId);
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}
