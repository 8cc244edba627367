// OffsetFetch: what a group has committed. What it has not is -1, which is no error.

import { ErrorCode } from '../../../protocol/index.ts';
import type { OffsetCommitValue } from '../group-record.ts';
import type { CommittedOffsets } from './committed-offsets.ts';

export interface FetchedPartition {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly metadata: string | null;
  readonly errorCode: number;
}

export interface FetchedTopic {
  readonly name: string;
  readonly partitions: readonly FetchedPartition[];
}

export interface WantedTopic {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

/**
 * All that the group has committed when `topics` is null. With requireStable a partition for which
 * a transaction has an offset and is still open is not answered yet (KIP-447).
 */
export function fetchOffsets(
  offsets: CommittedOffsets,
  groupId: string,
  topics: readonly WantedTopic[] | null,
  requireStable = false,
): FetchedTopic[] {
  const fetch = (topic: string, index: number, value: OffsetCommitValue | undefined) => {
    const isUnstable = requireStable && offsets.isPending(groupId, topic, index);
    return isUnstable
      ? fetched(index, undefined, ErrorCode.UNSTABLE_OFFSET_COMMIT)
      : fetched(index, value, ErrorCode.NONE);
  };
  if (topics === null) {
    return [...offsets.of(groupId)].map(([name, partitions]) => ({
      name,
      partitions: [...partitions].map(([index, value]) => fetch(name, index, value)),
    }));
  }
  return topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) =>
      fetch(name, index, offsets.get(groupId, name, index)),
    ),
  }));
}

function fetched(
  partitionIndex: number,
  value: OffsetCommitValue | undefined,
  errorCode: number,
): FetchedPartition {
  return {
    partitionIndex,
    committedOffset: value?.offset ?? -1,
    committedLeaderEpoch: value?.leaderEpoch ?? -1,
    metadata: value?.metadata ?? '',
    errorCode,
  };
}
