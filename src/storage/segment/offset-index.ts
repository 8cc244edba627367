// The sparse offset index of a segment (.index): entries of 8 bytes, the last offset of a batch
// relative to the segment's base and the position of that batch in the log file.
//
// Invariant: offsets and positions both grow strictly. Kafka maps the file at its full size and
// trims it when the segment is closed, so that a file it left behind may end in zeros.

import { assert } from '../../base/assert.ts';

export const OFFSET_ENTRY_BYTES = 8;

export class OffsetIndex {
  readonly baseOffset: number;
  #entries: Buffer = Buffer.alloc(0);
  #count = 0;

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset;
  }

  /** null if the entries break the invariant or point behind the log's end. */
  static parse(baseOffset: number, bytes: Buffer, logBytes: number): OffsetIndex | null {
    const index = new OffsetIndex(baseOffset);
    let count = 0;
    let offset = -1;
    let position = 0;
    for (let at = 0; at + OFFSET_ENTRY_BYTES <= bytes.length; at += OFFSET_ENTRY_BYTES) {
      const entryOffset = bytes.readInt32BE(at);
      const entryPosition = bytes.readInt32BE(at + 4);
      // No entry is ever made for the first batch: position 0 is padding.
      if (entryPosition === 0 && entryOffset === 0) break;
      if (entryOffset <= offset || entryPosition <= position) return null;
      offset = entryOffset;
      position = entryPosition;
      count++;
    }
    if (position >= logBytes && count > 0) return null;
    index.#entries = bytes.subarray(0, count * OFFSET_ENTRY_BYTES);
    index.#count = count;
    return index;
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#count * OFFSET_ENTRY_BYTES;
  }

  /** The file's content. */
  get bytes(): Buffer {
    return this.#entries.subarray(0, this.sizeBytes);
  }

  /** Position of the last entry, 0 when there is none. */
  get lastPosition(): number {
    return this.#count === 0 ? 0 : this.#positionAt(this.#count - 1);
  }

  append(offset: number, position: number): void {
    const at = this.sizeBytes;
    assert(
      this.#count === 0 || offset > this.#offsetAt(this.#count - 1),
      'offset index entries grow',
    );
    if (at + OFFSET_ENTRY_BYTES > this.#entries.length) {
      const grown = Buffer.alloc(Math.max(64 * OFFSET_ENTRY_BYTES, at * 2));
      this.#entries.copy(grown, 0, 0, at);
      this.#entries = grown;
    }
    this.#entries.writeInt32BE(offset - this.baseOffset, at);
    this.#entries.writeInt32BE(position, at + 4);
    this.#count++;
  }

  /** Where to start looking for the offset: a batch start at or before the batch that has it. */
  lookup(offset: number): number {
    const slot = this.#slotOf(offset);
    return slot < 0 ? 0 : this.#positionAt(slot);
  }

  /** Position of the first entry behind the offset: its batch or one before has it. */
  positionBehind(offset: number): number | null {
    const slot = this.#slotOf(offset) + 1;
    return slot < this.#count ? this.#positionAt(slot) : null;
  }

  /** There is an entry of a batch that ends with the offset and lies at the position. */
  has(lastOffset: number, position: number): boolean {
    const slot = this.#slotOf(lastOffset);
    return slot >= 0 && this.#offsetAt(slot) === lastOffset && this.#positionAt(slot) === position;
  }

  /** Drops the entries of batches that reach the offset. */
  truncateTo(offset: number): void {
    this.#count = this.#slotOf(offset - 1) + 1;
  }

  /** The last entry whose offset is at most the one given; -1 if there is none. */
  #slotOf(offset: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsetAt(middle) <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #offsetAt(slot: number): number {
    return this.baseOffset + this.#entries.readInt32BE(slot * OFFSET_ENTRY_BYTES);
  }

  #positionAt(slot: number): number {
    return this.#entries.readInt32BE(slot * OFFSET_ENTRY_BYTES + 4);
  }
}
