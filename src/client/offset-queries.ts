// ListOffsets: which offset a partition has at its beginning, at its end, or at a time.

import { ErrorCode, listOffsets } from '../protocol/index.ts';
import type { CallOptions, Client } from './client.ts';
import {
  type AskLeader,
  type LeaderAnswer,
  requestToLeaders,
  requestToLeadersOnce,
  type TopicPartition,
} from './leader-requests.ts';

/** Timestamps that stand for places in the log; any other is a time in milliseconds. */
export const OffsetSpec = {
  latest: -1,
  earliest: -2,
  /** The record with the largest timestamp (KIP-734). */
  maxTimestamp: -3,
  /** KIP-405: the first that is on the broker's own disks. */
  earliestLocal: -4,
  /** KIP-1005: the last in tiered storage. */
  latestTiered: -5,
} as const;

export interface OffsetQuery extends TopicPartition {
  readonly timestamp: number;
}

export interface FoundOffset {
  /** -1: there is none, such as no record at or after the time. */
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

export type IsolationLevel = 'read_uncommitted' | 'read_committed';

/** Repeats what is worth it until the time is up. */
export function queryOffsets(
  client: Client,
  queries: readonly OffsetQuery[],
  options: CallOptions & { readonly isolationLevel?: IsolationLevel | undefined } = {},
): Promise<LeaderAnswer<FoundOffset>[]> {
  return requestToLeaders(client, queries, askFor(client, options.isolationLevel), options);
}

/** One attempt, for a caller who tries again by itself. */
export function queryOffsetsOnce(
  client: Client,
  queries: readonly OffsetQuery[],
  isolationLevel: IsolationLevel,
): Promise<LeaderAnswer<FoundOffset>[]> {
  return requestToLeadersOnce(client, queries, askFor(client, isolationLevel));
}

function askFor(
  client: Client,
  isolation: IsolationLevel | undefined,
): AskLeader<OffsetQuery, FoundOffset> {
  const isolationLevel = isolation === 'read_committed' ? 1 : 0;
  return async (nodeId, asked, timeoutMs) => {
    const topics = groupByTopic(asked).map(([name, group]) => ({
      name,
      partitions: group.map((each) => ({
        partitionIndex: each.partition,
        currentLeaderEpoch: client.cache.partition(name, each.partition)?.leaderEpoch ?? -1,
        timestamp: each.timestamp,
      })),
    }));
    const body = { replicaId: -1, isolationLevel, topics, timeoutMs: Math.round(timeoutMs) };
    const response = await client.requestTo(nodeId, listOffsets, body, { timeoutMs });
    return response.topics.flatMap(({ name, partitions }) =>
      partitions.map((each) => {
        const { errorCode, timestamp, leaderEpoch } = each;
        // Version 0 has a list of offsets instead of one.
        const offset = each.oldStyleOffsets[0] ?? each.offset;
        const answer = errorCode === ErrorCode.NONE ? { offset, timestamp, leaderEpoch } : null;
        return { topic: name, partition: each.partitionIndex, errorCode, answer };
      }),
    );
  };
}

export function groupByTopic<Each extends TopicPartition>(
  items: readonly Each[],
): [string, Each[]][] {
  const groups = new Map<string, Each[]>();
  for (const item of items) {
    const group = groups.get(item.topic);
    if (group === undefined) groups.set(item.topic, [item]);
    else group.push(item);
  }
  return [...groups];
}
