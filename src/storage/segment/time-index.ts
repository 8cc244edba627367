// The sparse time index of a segment (.timeindex): entries of 12 bytes, the largest timestamp seen
// so far and the offset, relative to the segment's base, of the batch that has it.
//
// Invariant: timestamps grow strictly and offsets do not go back; no record before an entry's
// offset has a larger timestamp than the entry.

import { assert } from '../../base/assert.ts';
import { readInt64, writeInt64 } from '../../base/int64.ts';

export const TIME_ENTRY_BYTES = 12;

export interface TimeEntry {
  readonly timestamp: number;
  readonly offset: number;
}

export class TimeIndex {
  readonly baseOffset: number;
  #entries: Buffer = Buffer.alloc(0);
  #count = 0;

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset;
  }

  /** null if the entries break the invariant. */
  static parse(baseOffset: number, bytes: Buffer): TimeIndex | null {
    const index = new TimeIndex(baseOffset);
    let count = 0;
    let timestamp = -1;
    let offset = 0;
    for (let at = 0; at + TIME_ENTRY_BYTES <= bytes.length; at += TIME_ENTRY_BYTES) {
      const entryTimestamp = readInt64(bytes, at);
      const entryOffset = bytes.readInt32BE(at + 8);
      // Padding of a file that Kafka did not live to trim.
      if (entryTimestamp === 0 && entryOffset === 0) break;
      if (entryTimestamp <= timestamp || entryOffset < offset) return null;
      timestamp = entryTimestamp;
      offset = entryOffset;
      count++;
    }
    index.#entries = bytes.subarray(0, count * TIME_ENTRY_BYTES);
    index.#count = count;
    return index;
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#count * TIME_ENTRY_BYTES;
  }

  get bytes(): Buffer {
    return this.#entries.subarray(0, this.sizeBytes);
  }

  get last(): TimeEntry | null {
    return this.#count === 0 ? null : this.#entryAt(this.#count - 1);
  }

  /** Adds the entry unless its timestamp says nothing new. */
  maybeAppend(timestamp: number, offset: number): void {
    const last = this.last;
    if (timestamp <= (last?.timestamp ?? -1)) return;
    assert(last === null || offset >= last.offset, 'time index offsets do not go back');
    const at = this.sizeBytes;
    if (at + TIME_ENTRY_BYTES > this.#entries.length) {
      const grown = Buffer.alloc(Math.max(32 * TIME_ENTRY_BYTES, at * 2));
      this.#entries.copy(grown, 0, 0, at);
      this.#entries = grown;
    }
    writeInt64(this.#entries, at, timestamp);
    this.#entries.writeInt32BE(offset - this.baseOffset, at + 8);
    this.#count++;
  }

  /** An offset before which no record has the timestamp or a later one. */
  lookup(timestamp: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entryAt(middle).timestamp < timestamp) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? this.baseOffset : this.#entryAt(low - 1).offset;
  }

  /** Drops the entries of batches that reach the offset. */
  truncateTo(offset: number): void {
    while (this.#count > 0 && this.#entryAt(this.#count - 1).offset >= offset) this.#count--;
  }

  #entryAt(slot: number): TimeEntry {
    const at = slot * TIME_ENTRY_BYTES;
    return {
      timestamp: readInt64(this.#entries, at),
      offset: this.baseOffset + this.#entries.readInt32BE(at + 8),
    };
  }
}
