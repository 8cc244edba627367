// The last offset of each key in the part of a log that is being cleaned: entries of 24 bytes, the
// key's hash and the offset, in one block of memory of fixed size. Keys themselves are not kept.
//
// Invariants: never more entries than `entriesMax`; offsets are put in growing order, so that the
// last one put is the latest; latestOffset covers everything that the map was told of.

import { assert } from '../../base/assert.ts';
import { KeyHash } from './key-hash.ts';

/** Sixteen bytes of hash, eight of offset. */
const ENTRY_WORDS = 6;
export const ENTRY_BYTES = 4 * ENTRY_WORDS;
/** What one array takes, and as much as Kafka gives to one cleaner. */
const BYTES_MAX = 0x7fff_ffff;
const SLOTS_MIN = 11;
/** Primes below 2^31 lie closer together than this. */
const PRIME_GAP_MAX = 300;

export interface OffsetMapOptions {
  /** The memory at most. */
  readonly bytesMax: number;
  /** Share of the slots that may be taken, above 0 and at most 1. */
  readonly loadFactor: number;
  /** No more keys than these will be put: less memory than allowed may do. */
  readonly keysMax: number;
  /** 16 random bytes. */
  readonly seed: Buffer;
}

export class OffsetMap {
  readonly entriesMax: number;
  #count = 0;
  #latestOffset = -1;
  readonly #slotCount: number;
  /** Per slot: four words of hash, then the offset plus one in two words; 0 marks a free slot. */
  readonly #words: Int32Array;
  readonly #hash: KeyHash;

  constructor(options: OffsetMapOptions) {
    const { bytesMax, loadFactor, keysMax, seed } = options;
    const allowed = Math.floor(Math.min(bytesMax, BYTES_MAX) / ENTRY_BYTES);
    const useful = Math.ceil(keysMax / loadFactor) + PRIME_GAP_MAX;
    this.#slotCount = primeUpTo(Math.max(SLOTS_MIN, Math.min(allowed, useful)));
    this.#words = new Int32Array(this.#slotCount * ENTRY_WORDS);
    // One slot stays free, so that a search for what is not there ends.
    this.entriesMax = Math.min(Math.floor(this.#slotCount * loadFactor), this.#slotCount - 1);
    assert(this.entriesMax > 0, 'a map takes one key at least');
    this.#hash = new KeyHash(seed);
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.entriesMax;
  }

  get sizeBytes(): number {
    return this.#words.byteLength;
  }

  /** Every record up to it is either in the map or needs not to be; -1 at first. */
  get latestOffset(): number {
    return this.#latestOffset;
  }

  advanceTo(offset: number): void {
    if (offset > this.#latestOffset) this.#latestOffset = offset;
  }

  /** The key is the bytes from `start` to `end`. The map must not be full. */
  put(bytes: Buffer, start: number, end: number, offset: number): void {
    const at = this.#slotOf(bytes, start, end);
    const words = this.#words;
    if (isFree(words, at)) {
      assert(!this.isFull, 'nothing is put into a full map');
      words.set(this.#hash.words, at);
      this.#count++;
    }
    words[at + 4] = offset + 1;
    words[at + 5] = Math.floor((offset + 1) / 0x1_0000_0000);
    this.advanceTo(offset);
  }

  /** -1 for a key that is not in the map. */
  get(bytes: Buffer, start: number, end: number): number {
    const at = this.#slotOf(bytes, start, end);
    const low = (this.#words[at + 4] as number) >>> 0;
    return (this.#words[at + 5] as number) * 0x1_0000_0000 + low - 1;
  }

  /** Position of the key's entry, or of the free slot where it belongs. */
  #slotOf(bytes: Buffer, start: number, end: number): number {
    const words = this.#words;
    const count = this.#slotCount;
    this.#hash.hash(bytes, start, end);
    const hash = this.#hash.words;
    let slot = ((hash[0] as number) >>> 0) % count;
    // The number of slots is prime: any step leads through all of them.
    const step = 1 + (((hash[1] as number) >>> 0) % (count - 1));
    for (;;) {
      const at = slot * ENTRY_WORDS;
      const isSame =
        words[at] === hash[0] &&
        words[at + 1] === hash[1] &&
        words[at + 2] === hash[2] &&
        words[at + 3] === hash[3];
      if (isSame || isFree(words, at)) return at;
      slot += step;
      if (slot >= count) slot -= count;
    }
  }
}

function isFree(words: Int32Array, at: number): boolean {
  return words[at + 4] === 0 && words[at + 5] === 0;
}

function primeUpTo(count: number): number {
  let candidate = count;
  while (!isPrime(candidate)) candidate--;
  return candidate;
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor === 0) return false;
  }
  return true;
}
