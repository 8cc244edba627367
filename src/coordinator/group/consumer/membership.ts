// Who a request comes from: a new member, one that is known, or one that was replaced or is behind.

import { KafkaError } from '../../../protocol/index.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { awayEpoch, type ConsumerMember } from './consumer-member.ts';
import { isWithin, type TopicPartitionList } from './topic-partitions.ts';

/** @throws KafkaError GROUP_MAX_SIZE_REACHED */
export function assertHasRoom(
  group: ConsumerGroup,
  { memberId, instanceId }: { readonly memberId: string; readonly instanceId: string | null },
  membersMax: number,
): void {
  if (instanceId !== null && group.staticMemberIds.has(instanceId)) return;
  if (group.members.size < membersMax || group.members.has(memberId)) return;
  throw new KafkaError(
    'GROUP_MAX_SIZE_REACHED',
    `The consumer group has reached its maximum capacity of ${membersMax} members.`,
  );
}

/**
 * The answer to the member's last step may have been lost: it comes again with its former epoch,
 * and must have no more than it was given.
 * @throws KafkaError FENCED_MEMBER_EPOCH
 */
export function assertEpoch(
  member: ConsumerMember,
  memberEpoch: number,
  owned: readonly TopicPartitionList[] | null,
): void {
  if (memberEpoch === member.memberEpoch) return;
  const isRepeated =
    memberEpoch < member.memberEpoch &&
    memberEpoch === member.previousMemberEpoch &&
    owned !== null &&
    isWithin(owned, member.assigned);
  if (isRepeated) return;
  throw new KafkaError(
    'FENCED_MEMBER_EPOCH',
    `The member has epoch ${memberEpoch}, the group has it in epoch ${member.memberEpoch}: ` +
      'it must let go of all its partitions and join again.',
  );
}

/** @throws KafkaError FENCED_INSTANCE_ID */
export function assertIsOwnerOfInstance(member: ConsumerMember, memberId: string): void {
  if (member.memberId === memberId) return;
  throw new KafkaError('FENCED_INSTANCE_ID', 'Another member has the instance id now.');
}

/** @throws KafkaError UNRELEASED_INSTANCE_ID */
export function assertIsAway(member: ConsumerMember): void {
  if (member.memberEpoch === awayEpoch) return;
  throw new KafkaError(
    'UNRELEASED_INSTANCE_ID',
    `The instance id ${member.instanceId} is still in use by member ${member.memberId}.`,
  );
}
