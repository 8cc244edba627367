// Who a request comes from, and whether it may: a new member, one that is known, or one that was
// replaced or is behind. Offsets are committed and fetched by the members in their epoch. A commit
// may come a little late: it counts as long as the member has had the partition since that epoch,
// for then nobody else can have committed meanwhile (KIP-1251).

import type { MetadataImage } from '../../../metadata/index.ts';
import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import type { CommitRequest, TransactionalCommitRequest } from '../offsets/index.ts';
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

/** The code of the error for a partition of the commit; 0 if it may be written. */
export type CommitCheck = (topicId: string, partition: number) => number;

const everything: CommitCheck = () => 0;

/** Versions before do not know what they would be told. */
const commitVersionMin = 9;
/** Of TxnOffsetCommit: STALE_MEMBER_EPOCH is known. */
const staleVersionMin = 6;

/** @throws KafkaError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION, … */
export function checkCommit(
  group: ConsumerGroup,
  request: CommitRequest,
  image: MetadataImage,
): CommitCheck {
  const { memberId, generationIdOrMemberEpoch: epoch, apiVersion } = request;
  if (epoch < 0 && group.isEmpty) return everything;
  const member = group.members.get(memberId);
  if (member === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID');
  if (member.classic === null && apiVersion !== undefined && apiVersion < commitVersionMin) {
    throw new KafkaError('UNSUPPORTED_VERSION');
  }
  return checkEpoch(member, epoch, image);
}

function checkEpoch(member: ConsumerMember, epoch: number, image: MetadataImage): CommitCheck {
  if (epoch === member.memberEpoch) return everything;
  if (member.classic !== null || epoch > member.memberEpoch || epoch < 0) throw stale(member);
  return (topicId, partition) => {
    const id = image.topicById(topicId)?.id ?? topicId;
    const since =
      member.assigned.get(id)?.get(partition) ?? member.pendingRevocation.get(id)?.get(partition);
    return since !== undefined && epoch >= since ? 0 : ErrorCode.STALE_MEMBER_EPOCH;
  };
}

/**
 * The same in a transaction, where all of it is refused or none. Older producers do not say for
 * whom they commit (before KIP-447), or do not know the newer error.
 */
export function assertMayCommitInTransactionOf(
  group: ConsumerGroup,
  request: TransactionalCommitRequest,
  image: MetadataImage,
): void {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: epoch, topics } = request;
  const saysNobody = memberId === '' && groupInstanceId === null && epoch === -1;
  if (saysNobody || (epoch < 0 && group.isEmpty)) return;
  const member = group.members.get(memberId);
  if (member === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID');
  try {
    const check = checkEpoch(member, epoch, image);
    for (const { topicId, partitions } of topics) {
      for (const { partitionIndex } of partitions) {
        if (check(topicId, partitionIndex) !== 0) throw stale(member);
      }
    }
  } catch (error) {
    const isStale = error instanceof KafkaError && error.errorName === 'STALE_MEMBER_EPOCH';
    if (!isStale || request.apiVersion >= staleVersionMin) throw error;
    throw new KafkaError('ILLEGAL_GENERATION');
  }
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION */
export function assertMayFetch(
  group: ConsumerGroup,
  memberId: string | null,
  memberEpoch: number,
): void {
  // Tools have no member.
  if (memberId === null && memberEpoch < 0) return;
  const member = group.members.get(memberId ?? '');
  if (member === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID');
  if (member.memberEpoch !== memberEpoch) throw stale(member);
}

function stale({ classic }: ConsumerMember): KafkaError {
  return new KafkaError(classic === null ? 'STALE_MEMBER_EPOCH' : 'ILLEGAL_GENERATION');
}
