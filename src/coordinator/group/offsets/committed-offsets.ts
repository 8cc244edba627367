// What every group of one partition has committed, and what open transactions will have committed
// when they end. Durable: only replay changes it.
//
// Invariant: of all commits for a partition that count, the one that is last in the log is kept. An
// offset of a transaction has its place where it was written, and counts from the marker on.

import type { GroupRecordOf, OffsetCommitValue } from '../group-record.ts';

export interface CommittedOffset extends OffsetCommitValue {
  /** Where the commit is in the log. */
  readonly recordOffset: number;
}

export type TopicOffsets = ReadonlyMap<number, CommittedOffset>;
export type GroupOffsets = ReadonlyMap<string, TopicOffsets>;

export interface OffsetKey {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

const noOffsets: GroupOffsets = new Map();

export class CommittedOffsets {
  readonly #byGroup = new Map<string, Map<string, Map<number, CommittedOffset>>>();
  readonly pending = new PendingOffsets();

  /** By topic and partition; empty if the group has none. */
  of(groupId: string): GroupOffsets {
    return this.#byGroup.get(groupId) ?? noOffsets;
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#byGroup.get(groupId)?.get(topic)?.get(partition);
  }

  /** Committed, or to be when a transaction commits. */
  has(groupId: string): boolean {
    return this.#byGroup.has(groupId) || this.pending.hasGroup(groupId);
  }

  isPending(group: string, topic: string, partition: number): boolean {
    return this.pending.has({ group, topic, partition });
  }

  replay(
    { key, value, producer }: GroupRecordOf<'OffsetCommit' | 'LegacyOffsetCommit'>,
    recordOffset: number,
  ): void {
    if (value === null) {
      forget(this.#byGroup, key);
      this.pending.forget(key);
    } else if (producer === undefined) {
      this.#keep(key, { ...value, recordOffset });
    } else {
      this.pending.add(producer.producerId, key, { ...value, recordOffset });
    }
  }

  replayEnd(producerId: number, isCommit: boolean): void {
    for (const { value, ...key } of this.pending.end(producerId)) {
      if (!isCommit) continue;
      const known = this.get(key.group, key.topic, key.partition);
      // Somebody committed after it while the transaction was open.
      if (known !== undefined && known.recordOffset > value.recordOffset) continue;
      this.#keep(key, value);
    }
  }

  #keep({ group, topic, partition }: OffsetKey, value: CommittedOffset): void {
    const topics = getOrAdd(this.#byGroup, group, () => new Map());
    const partitions = getOrAdd(topics, topic, () => new Map());
    partitions.set(partition, value);
  }
}

export interface PendingOffset extends OffsetKey {
  readonly value: CommittedOffset;
}

type ByProducer = Map<number, CommittedOffset>;
type ByPartition = Map<number, ByProducer>;

/** Of open transactions, by group, topic, partition and producer. */
class PendingOffsets {
  readonly #byGroup = new Map<string, Map<string, ByPartition>>();
  /** What each open transaction has committed, or had: what is forgotten stays in the list. */
  readonly #keys = new Map<number, OffsetKey[]>();

  has({ group, topic, partition }: OffsetKey): boolean {
    return this.#byGroup.get(group)?.get(topic)?.has(partition) ?? false;
  }

  hasGroup(groupId: string): boolean {
    return this.#byGroup.has(groupId);
  }

  /** In any transaction; a partition is named once for each. */
  *of(groupId: string): Generator<PendingOffset> {
    for (const [topic, partitions] of this.#byGroup.get(groupId) ?? []) {
      for (const [partition, producers] of partitions) {
        for (const value of producers.values()) yield { group: groupId, topic, partition, value };
      }
    }
  }

  add(producerId: number, key: OffsetKey, value: CommittedOffset): void {
    const topics = getOrAdd(this.#byGroup, key.group, () => new Map<string, ByPartition>());
    const partitions = getOrAdd(topics, key.topic, () => new Map<number, ByProducer>());
    const producers = getOrAdd(partitions, key.partition, () => new Map());
    if (!producers.has(producerId)) getOrAdd(this.#keys, producerId, () => []).push(key);
    producers.set(producerId, value);
  }

  /** Forgets it in every transaction. */
  forget(key: OffsetKey): void {
    forget(this.#byGroup, key);
  }

  /** The transaction of the producer is over: what it still has is taken out. */
  end(producerId: number): PendingOffset[] {
    const ended: PendingOffset[] = [];
    for (const key of this.#keys.get(producerId) ?? []) {
      const producers = this.#byGroup.get(key.group)?.get(key.topic)?.get(key.partition);
      const value = producers?.get(producerId);
      if (producers === undefined || value === undefined) continue;
      ended.push({ ...key, value });
      producers.delete(producerId);
      if (producers.size === 0) this.forget(key);
    }
    this.#keys.delete(producerId);
    return ended;
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** A group without topics and a topic without partitions are not kept. */
function forget(
  byGroup: Map<string, Map<string, Map<number, unknown>>>,
  { group, topic, partition }: OffsetKey,
): void {
  const topics = byGroup.get(group);
  const partitions = topics?.get(topic);
  if (topics === undefined || partitions === undefined) return;
  partitions.delete(partition);
  if (partitions.size === 0) topics.delete(topic);
  if (topics.size === 0) byGroup.delete(group);
}

export function offsetTombstone(
  group: string,
  topic: string,
  partition: number,
): GroupRecordOf<'OffsetCommit'> {
  return { kind: 'OffsetCommit', key: { group, topic, partition }, value: null };
}
