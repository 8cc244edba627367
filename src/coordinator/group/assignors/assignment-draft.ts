// An assignment in the making: who has what, and how much.
//
// Invariant: a partition is with one member at most; `countOf` counts what the member has.

import { assert } from '../../../base/assert.ts';
import type { Uuid } from '../../../base/uuid.ts';
import type { Assignment, AssignorMember } from './assignor.ts';

export class AssignmentDraft {
  readonly #partitions = new Map<string, Map<Uuid, Set<number>>>();
  readonly #counts = new Map<string, number>();
  readonly #owners = new Map<Uuid, Map<number, string>>();

  constructor(members: readonly AssignorMember[]) {
    for (const { memberId } of members) {
      this.#partitions.set(memberId, new Map());
      this.#counts.set(memberId, 0);
    }
  }

  countOf(memberId: string): number {
    return this.#counts.get(memberId) ?? 0;
  }

  ownerOf(topicId: Uuid, partition: number): string | undefined {
    return this.#owners.get(topicId)?.get(partition);
  }

  give(memberId: string, topicId: Uuid, partition: number): void {
    const owners = entryOf(this.#owners, topicId, () => new Map<number, string>());
    assert(!owners.has(partition), `partition ${partition} is with one member only`);
    owners.set(partition, memberId);
    const topics = this.#partitions.get(memberId) as Map<Uuid, Set<number>>;
    entryOf(topics, topicId, () => new Set<number>()).add(partition);
    this.#counts.set(memberId, this.countOf(memberId) + 1);
  }

  take(topicId: Uuid, partition: number): void {
    const memberId = this.ownerOf(topicId, partition);
    if (memberId === undefined) return;
    this.#owners.get(topicId)?.delete(partition);
    const topics = this.#partitions.get(memberId) as Map<Uuid, Set<number>>;
    const own = topics.get(topicId) as Set<number>;
    own.delete(partition);
    if (own.size === 0) topics.delete(topicId);
    this.#counts.set(memberId, this.countOf(memberId) - 1);
  }

  build(): Assignment {
    return this.#partitions;
  }
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
