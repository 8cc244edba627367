// Who a request of a group member comes from: the errors that keep those out who were replaced,
// removed, or are a generation behind.

import { KafkaError } from '../../../protocol/index.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { ClassicMember } from './classic-member.ts';

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
