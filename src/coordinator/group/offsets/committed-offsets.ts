// What every group of one partition has committed. Durable: only replay changes it.

import type { GroupRecordOf, OffsetCommitValue } from '../group-record.ts';

export type TopicOffsets = ReadonlyMap<number, OffsetCommitValue>;
export type GroupOffsets = ReadonlyMap<string, TopicOffsets>;

const noOffsets: GroupOffsets = new Map();

export class CommittedOffsets {
  readonly #byGroup = new Map<string, Map<string, Map<number, OffsetCommitValue>>>();

  /** By topic and partition; empty if the group has none. */
  of(groupId: string): GroupOffsets {
    return this.#byGroup.get(groupId) ?? noOffsets;
  }

  get(groupId: string, topic: string, partition: number): OffsetCommitValue | undefined {
    return this.#byGroup.get(groupId)?.get(topic)?.get(partition);
  }

  has(groupId: string): boolean {
    return this.#byGroup.has(groupId);
  }

  groupIds(): IterableIterator<string> {
    return this.#byGroup.keys();
  }

  replay(record: GroupRecordOf<'OffsetCommit' | 'LegacyOffsetCommit'>): void {
    const { group, topic, partition } = record.key;
    if (record.value === null) this.#forget(group, topic, partition);
    else this.#keep(record.key, record.value);
  }

  #keep(key: GroupRecordOf<'OffsetCommit'>['key'], value: OffsetCommitValue): void {
    let topics = this.#byGroup.get(key.group);
    if (topics === undefined) {
      topics = new Map();
      this.#byGroup.set(key.group, topics);
    }
    let partitions = topics.get(key.topic);
    if (partitions === undefined) {
      partitions = new Map();
      topics.set(key.topic, partitions);
    }
    partitions.set(key.partition, value);
  }

  #forget(group: string, topic: string, partition: number): void {
    const topics = this.#byGroup.get(group);
    const partitions = topics?.get(topic);
    if (topics === undefined || partitions === undefined) return;
    partitions.delete(partition);
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.#byGroup.delete(group);
  }
}

export function offsetTombstone(
  group: string,
  topic: string,
  partition: number,
): GroupRecordOf<'OffsetCommit'> {
  return { kind: 'OffsetCommit', key: { group, topic, partition }, value: null };
}
