// OffsetCommit and TxnOffsetCommit: what is written, once the group has agreed to who writes it.

import type { Uuid } from '../../../base/uuid.ts';
import { ErrorCode } from '../../../protocol/index.ts';
import type { ProducerIdentity } from '../../partition-machine-log.ts';
import type { GroupContext, Outcome } from '../decision.ts';
import { stringBytesMax } from '../group-record.ts';

export interface CommitPartition {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
  /** -1: now. */
  readonly commitTimestamp: number;
}

export interface CommitTopic {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitions: readonly CommitPartition[];
}

export interface CommitRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationIdOrMemberEpoch: number;
  readonly apiVersion?: number;
  /** -1: offsets.retention.minutes. */
  readonly retentionTimeMs: number;
  readonly topics: readonly CommitTopic[];
}

/** Of TxnOffsetCommit: they count when the producer's transaction commits (KIP-98). */
export interface TransactionalCommitRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly groupId: string;
  /** Empty, as the generation is -1, from producers older than KIP-447: they are not checked. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationIdOrMemberEpoch: number;
  readonly apiVersion: number;
  readonly topics: readonly CommitTopic[];
}

export interface CommittedTopic {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitions: readonly { partitionIndex: number; errorCode: number }[];
}

export function commitOffsets(
  at: GroupContext,
  {
    request,
    check,
    producer,
  }: {
    request: Pick<CommitRequest, 'groupId' | 'retentionTimeMs' | 'topics'>;
    /** Whose transaction the offsets are part of. */
    producer?: ProducerIdentity | undefined;
    /** The code of the error for a partition that must not be committed. */
    check?: ((topicId: Uuid, partition: number) => number) | undefined;
  },
  outcome: Outcome,
): CommittedTopic[] {
  const metadataBytesMax = Math.min(at.config().get('offset.metadata.max.bytes'), stringBytesMax);
  const nowMs = at.clock.now();
  const { retentionTimeMs, groupId } = request;
  const expireTimestamp = retentionTimeMs === -1 ? -1 : nowMs + retentionTimeMs;
  const commitOne = (topic: CommitTopic, partition: CommitPartition): number => {
    const refused = check?.(topic.topicId, partition.partitionIndex) ?? 0;
    if (refused !== 0) return refused;
    const metadata = partition.committedMetadata ?? '';
    if (Buffer.byteLength(metadata) > metadataBytesMax) return ErrorCode.OFFSET_METADATA_TOO_LARGE;
    outcome.append({
      kind: 'OffsetCommit',
      key: { group: groupId, topic: topic.name, partition: partition.partitionIndex },
      value: {
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata,
        commitTimestamp: partition.commitTimestamp === -1 ? nowMs : partition.commitTimestamp,
        expireTimestamp,
        topicId: topic.topicId,
      },
      producer,
    });
    return 0;
  };
  return request.topics.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitions: topic.partitions.map((partition) => ({
      partitionIndex: partition.partitionIndex,
      errorCode: commitOne(topic, partition),
    })),
  }));
}
