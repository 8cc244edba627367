// OffsetFetch: what a group has committed. What it has not is -1, which is no error.

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

/** All that the group has when `topics` is null. */
export function fetchOffsets(
  offsets: CommittedOffsets,
  groupId: string,
  topics: readonly WantedTopic[] | null,
): FetchedTopic[] {
  if (topics === null) {
    return [...offsets.of(groupId)].map(([name, partitions]) => ({
      name,
      partitions: [...partitions].map(([index, value]) => fetched(index, value)),
    }));
  }
  return topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => fetched(index, offsets.get(groupId, name, index))),
  }));
}

function fetched(partitionIndex: number, value: OffsetCommitValue | undefined): FetchedPartition {
  return {
    partitionIndex,
    committedOffset: value?.offset ?? -1,
    committedLeaderEpoch: value?.leaderEpoch ?? -1,
    metadata: value?.metadata ?? '',
    errorCode: 0,
  };
}
