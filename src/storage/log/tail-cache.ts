// The most recent batches of every log, kept in memory so that consumers and followers that keep
// up never touch a file. One byte budget for the process; the oldest appends of any log go first,
// so that what stays is a window of time over all of them.
//
// Invariant: a Tail holds a contiguous run of whole batches that ends at its log's end. Large
// appends are kept by reference; small ones, and those that would pin a much larger frame, are
// copied side by side into slabs, from which a read returns one slice for many batches.

import { assert } from '../../base/assert.ts';
import { readInt64 } from '../../base/int64.ts';

const SLAB_BYTES_MIN = 4096;
const SLAB_BYTES_MAX = 65_536;
/** A slab takes no more of the budget than this part, or it would push out too much at once. */
const SLAB_SHARE = 1 / 16;
/** Appends smaller than this are copied: a slice object costs as much as the copy. */
const REFERENCE_BYTES_MIN = 4096;
/** What a chunk costs beside its bytes. */
const CHUNK_OVERHEAD = 200;

interface Chunk {
  readonly tail: Tail;
  readonly buffer: Buffer;
  /** Bytes of the buffer in use. */
  length: number;
  readonly baseOffset: number;
  nextOffset: number;
  readonly isSlab: boolean;
  readonly costBytes: number;
  /** Its neighbours in the cache. */
  older: Chunk | null;
  newer: Chunk | null;
}

export interface TailRead {
  readonly buffers: Buffer[];
  sizeBytes: number;
  firstOffset: number;
  nextOffset: number;
}

export interface TailReadLimits {
  readonly bytesMax: number;
  readonly upperBound: number;
  readonly atLeastOneBatch: boolean;
}

export class TailCache {
  readonly slabBytesMax: number;
  readonly #bytesMax: number;
  // A Set would walk over the holes of what was evicted to find the oldest: microseconds each time.
  #oldest: Chunk | null = null;
  #newest: Chunk | null = null;
  #usedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.slabBytesMax = Math.min(SLAB_BYTES_MAX, Math.floor(bytesMax * SLAB_SHARE));
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  onAdded(chunk: Chunk): void {
    chunk.older = this.#newest;
    if (this.#newest === null) this.#oldest = chunk;
    else this.#newest.newer = chunk;
    this.#newest = chunk;
    this.#usedBytes += chunk.costBytes;
    while (this.#usedBytes > this.#bytesMax) {
      const oldest = this.#oldest as Chunk;
      this.onRemoved(oldest);
      oldest.tail.dropOldest(oldest);
    }
  }

  onRemoved(chunk: Chunk): void {
    const { older, newer } = chunk;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    chunk.older = null;
    chunk.newer = null;
    this.#usedBytes -= chunk.costBytes;
  }
}

export class Tail {
  readonly #cache: TailCache;
  readonly #chunks: Chunk[] = [];
  #slabBytes = SLAB_BYTES_MIN;

  constructor(cache: TailCache) {
    this.#cache = cache;
  }

  /** First offset in memory; null when nothing is. */
  get startOffset(): number | null {
    return this.#chunks[0]?.baseOffset ?? null;
  }

  /** The batches from baseOffset up to (not including) nextOffset were written to the log. */
  append(batches: Buffer, baseOffset: number, nextOffset: number): void {
    const backingBytes = batches.buffer.byteLength;
    if (batches.length >= REFERENCE_BYTES_MIN && batches.length * 2 >= backingBytes) {
      this.#push(batches, batches.length, { baseOffset, nextOffset, isSlab: false });
      return;
    }
    const last = this.#chunks.at(-1);
    if (last?.isSlab && last.buffer.length - last.length >= batches.length) {
      batches.copy(last.buffer, last.length);
      last.length += batches.length;
      last.nextOffset = nextOffset;
      return;
    }
    const slabBytes = Math.min(this.#slabBytes, this.#cache.slabBytesMax);
    const slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, batches.length));
    this.#slabBytes = Math.min(SLAB_BYTES_MAX, this.#slabBytes * 2);
    batches.copy(slab, 0);
    this.#push(slab, batches.length, { baseOffset, nextOffset, isSlab: true });
  }

  clear(): void {
    for (const chunk of this.#chunks) this.#cache.onRemoved(chunk);
    this.#chunks.length = 0;
    this.#slabBytes = SLAB_BYTES_MIN;
  }

  /** Compaction took the place of what lies before the offset: memory must not tell otherwise. */
  forgetBefore(offset: number): void {
    while ((this.#chunks[0]?.baseOffset ?? offset) < offset) {
      this.#cache.onRemoved(this.#chunks.shift() as Chunk);
    }
  }

  dropOldest(chunk: Chunk): void {
    const dropped = this.#chunks.shift();
    assert(dropped === chunk, 'the oldest chunk of the cache is the oldest of its log');
  }

  /** Whole batches from the one with the offset on; null if it is not in memory. */
  read(offset: number, limits: TailReadLimits): TailRead | null {
    const start = this.startOffset;
    if (start === null || offset < start) return null;
    const read = { buffers: [], sizeBytes: 0, firstOffset: offset, nextOffset: offset };
    for (let i = this.#chunkOf(offset); i < this.#chunks.length; i++) {
      if (!takeFrom(this.#chunks[i] as Chunk, read, limits)) break;
    }
    return read;
  }

  #push(
    buffer: Buffer,
    length: number,
    range: Pick<Chunk, 'baseOffset' | 'nextOffset' | 'isSlab'>,
  ): void {
    const costBytes = buffer.buffer.byteLength + CHUNK_OVERHEAD;
    const links = { older: null, newer: null };
    const chunk: Chunk = { tail: this, buffer, length, costBytes, ...range, ...links };
    this.#chunks.push(chunk);
    this.#cache.onAdded(chunk);
  }

  #chunkOf(offset: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle] as Chunk).nextOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Adds what fits of the chunk; false when the read is complete. */
function takeFrom(chunk: Chunk, read: TailRead, limits: TailReadLimits): boolean {
  const { buffer, length } = chunk;
  const isFirst = read.sizeBytes === 0;
  let start = 0;
  if (isFirst) {
    while (start < length && lastOffsetAt(buffer, start) < read.nextOffset) {
      start += sizeAt(buffer, start);
    }
    if (start >= length) return true;
  }
  const roomBytes = limits.bytesMax - read.sizeBytes;
  let end = length;
  let nextOffset = chunk.nextOffset;
  if (nextOffset > limits.upperBound || length - start > roomBytes) {
    end = start;
    nextOffset = read.nextOffset;
    while (end < length) {
      const lastOffset = lastOffsetAt(buffer, end);
      const batchEnd = end + sizeAt(buffer, end);
      if (lastOffset >= limits.upperBound) break;
      const isRequired = isFirst && end === start && limits.atLeastOneBatch;
      if (batchEnd - start > roomBytes && !isRequired) break;
      end = batchEnd;
      nextOffset = lastOffset + 1;
    }
  }
  if (end === start) return false;
  if (isFirst) read.firstOffset = readInt64(buffer, start);
  read.buffers.push(buffer.subarray(start, end));
  read.sizeBytes += end - start;
  read.nextOffset = nextOffset;
  return end === length;
}

function sizeAt(buffer: Buffer, position: number): number {
  return 12 + buffer.readInt32BE(position + 8);
}

function lastOffsetAt(buffer: Buffer, position: number): number {
  return readInt64(buffer, position) + buffer.readInt32BE(position + 23);
}
