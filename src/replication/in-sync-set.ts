// Who is in sync with a leader, and the change of that which is on its way to the controller.
//
// Invariants: what was committed is what the metadata say; one change at a time is on its way, and
// it ends when a newer partition epoch shows (its own, or one that made the controller refuse it)
// or the controller said that it will not be. An answer that was lost says nothing. Until it ends
// the change may come to hold at any moment, so that the larger set counts.

import { assert } from '../base/assert.ts';
import type { PartitionState } from './partition-state.ts';

/** What AlterPartition asks for. It holds only while the partition epoch is the one it names. */
export interface IsrChange {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
}

export class InSyncSet {
  #state: PartitionState;
  #pending: IsrChange | null = null;
  #larger: readonly number[];

  constructor(state: PartitionState) {
    this.#state = state;
    this.#larger = state.isr;
  }

  /** As the metadata say: min.insync.replicas is about these. */
  get committed(): readonly number[] {
    return this.#state.isr;
  }

  get partitionEpoch(): number {
    return this.#state.partitionEpoch;
  }

  get pending(): IsrChange | null {
    return this.#pending;
  }

  /** Additions count before they are committed, removals only after. */
  get larger(): readonly number[] {
    return this.#larger;
  }

  /** To be sent once: it must not be sent again when its answer is lost. */
  begin(isr: readonly number[]): IsrChange {
    assert(this.#pending === null, 'one change of the in-sync set is on its way at a time');
    const { leaderEpoch, partitionEpoch } = this.#state;
    const change = { leaderEpoch, partitionEpoch, isr };
    this.#pending = change;
    const added = isr.filter((id) => !this.committed.includes(id));
    this.#larger = [...this.committed, ...added];
    return change;
  }

  /** A partition epoch that is newer: whatever was on its way is decided. */
  onCommitted(state: PartitionState): void {
    this.#state = state;
    this.#end();
  }

  /** The controller has refused the change and will not make it; false if it is over already. */
  onRefused(change: IsrChange): boolean {
    if (this.#pending !== change) return false;
    this.#end();
    return true;
  }

  #end(): void {
    this.#pending = null;
    this.#larger = this.committed;
  }
}
