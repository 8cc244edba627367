// What one decision comes to: the records that make it true, and the answers to others (members
// parked in a join or a sync) that may leave once it is committed.
//
// Invariant: an answer that depends on a record leaves after the record's commit, or never.

import type { GroupRecord } from './group-record.ts';

export class Outcome {
  readonly records: GroupRecord[] = [];
  readonly #onCommitted: (() => void)[] = [];

  append(...records: readonly GroupRecord[]): void {
    this.records.push(...records);
  }

  /** Called when the records of this decision, and all before them, are committed. */
  whenCommitted(callback: () => void): void {
    this.#onCommitted.push(callback);
  }

  onCommitted(): void {
    for (const callback of this.#onCommitted.splice(0)) callback();
  }
}
