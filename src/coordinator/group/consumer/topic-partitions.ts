// Sets of partitions by topic, as the groups of KIP-848 compare and record them. What a member owns
// has with each partition the epoch in which it was given it.

import type { Uuid } from '../../../base/uuid.ts';
import type { TopicPartitions } from '../assignors/index.ts';

export type OwnedPartitions = ReadonlyMap<Uuid, ReadonlyMap<number, number>>;

export interface TopicPartitionList {
  readonly topicId: Uuid;
  readonly partitions: readonly number[];
}

export const noPartitions: TopicPartitions = new Map();
export const ownsNothing: OwnedPartitions = new Map();

/** Partitions that are being gathered by topic. */
export class OwnedBuilder {
  readonly #topics = new Map<Uuid, Map<number, number>>();

  add(topicId: Uuid, partition: number, epoch: number): void {
    const own = this.#topics.get(topicId) ?? new Map<number, number>();
    own.set(partition, epoch);
    this.#topics.set(topicId, own);
  }

  addAll(owned: OwnedPartitions): void {
    for (const [topicId, partition, epoch] of eachOwned(owned)) {
      this.add(topicId, partition, epoch);
    }
  }

  build(): OwnedPartitions {
    return this.#topics;
  }
}

export function* eachOwned(owned: OwnedPartitions): Generator<[Uuid, number, number]> {
  for (const [topicId, partitions] of owned) {
    for (const [partition, epoch] of partitions) yield [topicId, partition, epoch];
  }
}

export function isSameOwned(one: OwnedPartitions, other: OwnedPartitions): boolean {
  if (one === other) return true;
  if (one.size !== other.size) return false;
  for (const [topicId, partitions] of one) {
    const others = other.get(topicId);
    if (others?.size !== partitions.size) return false;
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false;
  }
  return true;
}

export function isSameTarget(one: TopicPartitions, other: TopicPartitions): boolean {
  if (one.size !== other.size) return false;
  for (const [topicId, partitions] of one) {
    const others = other.get(topicId);
    if (others?.size !== partitions.size) return false;
    for (const partition of partitions) if (!others.has(partition)) return false;
  }
  return true;
}

/** Whether everything in the list is owned. */
export function isWithin(list: readonly TopicPartitionList[], owned: OwnedPartitions): boolean {
  return list.every(({ topicId, partitions }) =>
    partitions.every((partition) => owned.get(topicId)?.has(partition) === true),
  );
}

export function hasAnyOf(list: readonly TopicPartitionList[], owned: OwnedPartitions): boolean {
  return list.some(({ topicId, partitions }) =>
    partitions.some((partition) => owned.get(topicId)?.has(partition) === true),
  );
}

export function ownedFrom(
  list: readonly (TopicPartitionList & { readonly assignmentEpochs: readonly number[] | null })[],
  epochWhenMissing: number,
): OwnedPartitions {
  const owned = new OwnedBuilder();
  for (const { topicId, partitions, assignmentEpochs } of list) {
    partitions.forEach((partition, index) => {
      owned.add(topicId, partition, assignmentEpochs?.[index] ?? epochWhenMissing);
    });
  }
  return owned.build();
}

export function ownedList(owned: OwnedPartitions) {
  return [...owned].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()],
    assignmentEpochs: [...partitions.values()],
  }));
}

export function targetFrom(list: readonly TopicPartitionList[]): TopicPartitions {
  return new Map(list.map(({ topicId, partitions }) => [topicId, new Set(partitions)]));
}

export function targetList(target: TopicPartitions) {
  return [...target].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] }));
}
