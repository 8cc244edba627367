// Offsets that transactions committed and whose transactions are still open, by group, topic,
// partition and producer. Durable: only replay changes them.

import type { CommittedOffset } from './committed-offsets.ts';

export interface OffsetKey {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export interface PendingOffset extends OffsetKey {
  readonly value: CommittedOffset;
}

type ByProducer = Map<number, CommittedOffset>;
type ByPartition = Map<number, ByProducer>;

export class PendingOffsets {
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
  forget({ group, topic, partition }: OffsetKey): void {
    const topics = this.#byGroup.get(group);
    const partitions = topics?.get(topic);
    if (topics === undefined || partitions === undefined) return;
    partitions.delete(partition);
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.#byGroup.delete(group);
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
