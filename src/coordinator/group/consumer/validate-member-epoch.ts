// Who may commit and fetch offsets of a consumer group: its members in their epoch. A commit may
// come a little late: it counts as long as the member has had the partition since that epoch, for
// then nobody else can have committed meanwhile (KIP-1251).

import type { MetadataImage } from '../../../metadata/index.ts';
import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import type { TransactionalCommitRequest } from '../offsets/commit-in-transaction.ts';
import type { CommitRequest } from '../offsets/commit-offsets.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';

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
