// One partition in the hands of the runner: which of its records are not done, and what may be
// committed of it.
//
// Invariant: every record before the offset to commit is done, and so is every one before
// `endOffset` that is not open. A record that a former owner has done is not taken again.

import { type DoneOffsets, encodeDone } from './done-offsets.ts';

export interface Committable {
  readonly offset: number;
  /** Of the record before the offset; -1 unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export class OffsetTracker {
  /** Offsets of records in hand in their order, each with the leader epoch of the one before. */
  readonly #open = new Map<number, number>();
  /** Behind the last record that was received. */
  #receivedTo: number | null = null;
  #lastEpoch = -1;
  /** What a former owner has left open, ascending, and how far it came. */
  readonly #priorOpen: readonly number[];
  readonly #priorEnd: number;
  #priorAt = 0;

  constructor(prior: DoneOffsets | null = null) {
    this.#priorOpen = prior?.open ?? [];
    this.#priorEnd = prior?.endOffset ?? 0;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Behind what was received; null before the first record. */
  get receivedTo(): number | null {
    return this.#receivedTo;
  }

  /** False: a former owner has done it. */
  take(offset: number, leaderEpoch: number): boolean {
    const isDone = this.#isDoneBefore(offset);
    if (!isDone) this.#open.set(offset, this.#lastEpoch);
    this.#receivedTo = offset + 1;
    this.#lastEpoch = leaderEpoch;
    return !isDone;
  }

  /** Offsets before this one that were not received hold no record for us. */
  passTo(position: number): void {
    if (this.#receivedTo !== null && position > this.#receivedTo) this.#receivedTo = position;
  }

  finish(offset: number): void {
    this.#open.delete(offset);
  }

  /** null while nothing was received. */
  committable(metadataBytesMax?: number): Committable | null {
    if (this.#receivedTo === null) return null;
    this.#passPrior(this.#receivedTo);
    const left = this.#priorOpen.slice(this.#priorAt);
    const open = [...this.#open.keys(), ...left];
    const endOffset = Math.max(this.#receivedTo, this.#priorEnd);
    const offset = open[0] ?? endOffset;
    const leaderEpoch = this.#open.get(offset) ?? this.#lastEpoch;
    return { offset, leaderEpoch, metadata: encodeDone({ open, endOffset }, metadataBytesMax) };
  }

  #isDoneBefore(offset: number): boolean {
    if (offset >= this.#priorEnd) return false;
    this.#passPrior(offset);
    return this.#priorOpen[this.#priorAt] !== offset;
  }

  /** Open ones before the offset that did not come have no record any more. */
  #passPrior(offset: number): void {
    while ((this.#priorOpen[this.#priorAt] ?? offset) < offset) this.#priorAt++;
  }
}
