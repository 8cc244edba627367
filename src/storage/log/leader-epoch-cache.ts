// Which leader epoch began at which offset (KIP-101), as leader-epoch-checkpoint keeps it. It lets
// a replica that was cut off find where its log stops agreeing with the leader's.
//
// Invariant: epochs and start offsets both grow strictly from one entry to the next.

import { assert } from '../../base/assert.ts';

export interface LeaderEpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

export class LeaderEpochCache {
  readonly #entries: LeaderEpochEntry[] = [];
  #version = 0;

  constructor(entries: readonly LeaderEpochEntry[] = []) {
    for (const entry of entries) this.assign(entry.epoch, entry.startOffset);
  }

  /** Grows with every change, so that a writer knows whether the file is behind. */
  get version(): number {
    return this.#version;
  }

  get entries(): readonly LeaderEpochEntry[] {
    return this.#entries;
  }

  /** -1 when no epoch is known. */
  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /**
   * The epoch's first record is at the offset. Entries that contradict it (from a log that was
   * written to under a newer epoch, or further) give way, as they can only be remains.
   */
  assign(epoch: number, startOffset: number): void {
    assert(epoch >= 0 && startOffset >= 0, 'a leader epoch and its start are not negative');
    const last = this.#entries.at(-1);
    if (last !== undefined && last.epoch === epoch && last.startOffset <= startOffset) return;
    while (this.#entries.length > 0) {
      const entry = this.#entries.at(-1) as LeaderEpochEntry;
      if (entry.epoch < epoch && entry.startOffset < startOffset) break;
      this.#entries.pop();
    }
    this.#entries.push({ epoch, startOffset });
    this.#version++;
  }

  /** The epoch under which the record at the offset was written; -1 if it is not known. */
  epochForOffset(offset: number): number {
    let epoch = -1;
    for (const entry of this.#entries) {
      if (entry.startOffset > offset) break;
      epoch = entry.epoch;
    }
    return epoch;
  }

  /**
   * The largest known epoch not above the one asked for, and the offset at which it ended (the
   * start of the next one, or the log's end). { epoch: -1, endOffset: -1 } if nothing is known.
   */
  endOffsetFor(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } {
    if (epoch < 0) return { epoch: -1, endOffset: -1 };
    if (epoch === this.latestEpoch) return { epoch, endOffset: logEndOffset };
    const next = this.#entries.findIndex((entry) => entry.epoch > epoch);
    // A future epoch: the one who asks knows more than this log does.
    if (next === -1) return { epoch: -1, endOffset: -1 };
    const found = this.#entries[next - 1];
    const endOffset = (this.#entries[next] as LeaderEpochEntry).startOffset;
    // Before the first known epoch: the log starts with the next one.
    return { epoch: found?.epoch ?? epoch, endOffset };
  }

  /** The log now ends at the offset. */
  truncateFromEnd(endOffset: number): void {
    while ((this.#entries.at(-1)?.startOffset ?? -1) >= endOffset) {
      this.#entries.pop();
      this.#version++;
    }
  }

  /** The log now starts at the offset: the epoch that spans it starts there. */
  truncateFromStart(startOffset: number): void {
    const kept = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    if (kept < 0 || (this.#entries[kept] as LeaderEpochEntry).startOffset === startOffset) {
      if (kept > 0) this.#drop(kept);
      return;
    }
    const { epoch } = this.#entries[kept] as LeaderEpochEntry;
    this.#drop(kept);
    this.#entries[0] = { epoch, startOffset };
  }

  clear(): void {
    this.#drop(this.#entries.length);
  }

  #drop(count: number): void {
    this.#entries.splice(0, count);
    this.#version++;
  }
}
