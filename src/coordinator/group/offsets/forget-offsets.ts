// How committed offsets end: deleted with OffsetDelete, with their group, with their topic, or
// because nobody was there to use them for offsets.retention.minutes (KIP-211).
//
// KIP-211: while a group has members the offsets of the topics that it consumes stay; from the
// moment at which it is empty the time of all of them runs. A group that never had members keeps
// each offset from its commit on.

import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import { consumerProtocolType } from '../consumer-protocol.ts';
import type { Outcome } from '../decision.ts';
import type { OffsetCommitValue } from '../group-record.ts';
import { type CommittedOffsets, offsetTombstone } from './committed-offsets.ts';

/** What the end of offsets depends on: a group of any kind. */
export interface OffsetsOwner {
  readonly groupId: string;
  readonly state: string;
  readonly isEmpty: boolean;
  /** Wall clock. */
  readonly stateSinceMs: number;
  /** null: nobody ever joined. */
  readonly protocolType: string | null;
  /** null: unknown. */
  readonly subscribedTopics: ReadonlySet<string> | null;
  isSubscribedTo(topic: string): boolean;
}

export interface DeletedTopic {
  readonly name: string;
  readonly partitions: readonly { partitionIndex: number; errorCode: number }[];
}

export interface DeleteTopic {
  readonly name: string;
  readonly partitions: readonly { readonly partitionIndex: number }[];
}

/** @throws KafkaError NON_EMPTY_GROUP when what the members consume cannot be known. */
export function deleteOffsets(
  offsets: CommittedOffsets,
  group: OffsetsOwner,
  { topics, outcome }: { topics: readonly DeleteTopic[]; outcome: Outcome },
): DeletedTopic[] {
  if (!group.isEmpty && group.protocolType !== consumerProtocolType) {
    throw new KafkaError('NON_EMPTY_GROUP');
  }
  // Asked for once: a consumer group walks over all of its members.
  const subscribed = group.subscribedTopics;
  return topics.map(({ name, partitions }) => {
    const isSubscribed = subscribed?.has(name) ?? group.isSubscribedTo(name);
    const errorCode = isSubscribed ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : 0;
    for (const { partitionIndex } of partitions) {
      if (errorCode !== 0) break;
      const isKnown =
        offsets.get(group.groupId, name, partitionIndex) !== undefined ||
        offsets.isPending(group.groupId, name, partitionIndex);
      if (!isKnown) continue;
      outcome.append(offsetTombstone(group.groupId, name, partitionIndex));
    }
    return {
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    };
  });
}

/** Tombstones for what meets the condition, also in transactions that are open. */
export function forgetOffsetsIf(
  offsets: CommittedOffsets,
  groupId: string,
  {
    condition,
    outcome,
  }: {
    condition: (topic: string, value: OffsetCommitValue) => boolean;
    outcome: Outcome;
  },
): void {
  for (const [topic, partitions] of offsets.of(groupId)) {
    for (const [partition, value] of partitions) {
      if (condition(topic, value)) outcome.append(offsetTombstone(groupId, topic, partition));
    }
  }
  const seen = new Set<string>();
  for (const { topic, partition, value } of offsets.pending.of(groupId)) {
    const committed = offsets.get(groupId, topic, partition);
    const isBuried = committed !== undefined && condition(topic, committed);
    const name = `${topic}-${partition}`;
    if (isBuried || seen.has(name) || !condition(topic, value)) continue;
    seen.add(name);
    outcome.append(offsetTombstone(groupId, topic, partition));
  }
}

/** Tombstones for what has expired; what a transaction is about to replace has not. */
export function forgetExpiredOffsets(
  offsets: CommittedOffsets,
  group: OffsetsOwner,
  { time, outcome }: { time: RetentionTime; outcome: Outcome },
): { isAnyLeft: boolean } {
  const { groupId } = group;
  let isAnyLeft = offsets.pending.hasGroup(groupId);
  const isUsed = usedTopics(group);
  for (const [topic, partitions] of offsets.of(groupId)) {
    const isTopicUsed = isUsed(topic);
    for (const [partition, value] of partitions) {
      const isOver =
        !isTopicUsed &&
        !offsets.isPending(groupId, topic, partition) &&
        isExpired(group, value, time);
      if (isOver) outcome.append(offsetTombstone(groupId, topic, partition));
      else isAnyLeft = true;
    }
  }
  return { isAnyLeft };
}

export interface RetentionTime {
  readonly nowMs: number;
  readonly retentionMs: number;
}

/** Which topics keep their offsets: of a group with members those that it consumes still. */
function usedTopics(group: OffsetsOwner): (topic: string) => boolean {
  if (group.protocolType === null || group.isEmpty) return () => false;
  const subscribed = group.state === 'Stable' ? group.subscribedTopics : null;
  return (topic) => subscribed === null || subscribed.has(topic);
}

function isExpired(group: OffsetsOwner, value: OffsetCommitValue, time: RetentionTime): boolean {
  const isSimple = group.protocolType === null;
  if (value.expireTimestamp !== -1) return time.nowMs >= value.expireTimestamp;
  const isGroupEmpty = !isSimple && group.isEmpty;
  const sinceMs = isGroupEmpty
    ? Math.max(group.stateSinceMs, value.commitTimestamp)
    : value.commitTimestamp;
  return time.nowMs - sinceMs >= time.retentionMs;
}
