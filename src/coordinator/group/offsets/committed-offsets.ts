// What every group of one partition has committed. Durable: only replay changes it.
//
// Invariant: of all commits for a partition that count, the one that is last in the log is kept. An
// offset of a transaction has its place where it was written, and counts from the marker on.

import type { GroupRecordOf, OffsetCommitValue } from '../group-record.ts';
import { type OffsetKey, PendingOffsets } from './pending-offsets.ts';

export interface CommittedOffset extends OffsetCommitValue {
  /** Where the commit is in the log. */
  readonly recordOffset: number;
}

export type TopicOffsets = ReadonlyMap<number, CommittedOffset>;
export type GroupOffsets = ReadonlyMap<string, TopicOffsets>;

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
      this.#forget(key.group, key.topic, key.partition);
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

  #keep(key: OffsetKey, value: CommittedOffset): void {
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
