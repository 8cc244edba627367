// Snappy's block format: a varint of the uncompressed length, then literals and copies. Compressed
// in fragments of 64 KiB, so that every copy reaches at most that far back.

import { KafkaError } from '../../errors.ts';
import { copyLiteral, copyMatch, emptyTable, endOfMatch, tableBits, word32 } from './matches.ts';

const FRAGMENT_BYTES = 64 * 1024;
/** A copy of three bytes yields 64: nothing expands more than this. */
const EXPANSION_MAX = 22;
/** The last bytes of a fragment are always a literal. */
const MARGIN = 15;
const HASH_MULTIPLIER = 0x1e35_a7bd;

export function snappyBoundBytes(length: number): number {
  return 32 + length + Math.ceil(length / 6);
}

/** Writes the block of `source[start, end)` at `position` of `output`; answers where it ends. */
export function writeSnappyBlock(
  source: Buffer,
  start: number,
  end: number,
  output: Buffer,
  position: number,
): number {
  let at = position;
  let length = end - start;
  while (length >= 0x80) {
    output[at++] = (length & 0x7f) | 0x80;
    length >>>= 7;
  }
  output[at++] = length;
  for (let from = start; from < end; from += FRAGMENT_BYTES) {
    at = writeFragment(source, from, Math.min(end, from + FRAGMENT_BYTES), output, at);
  }
  return at;
}

function writeFragment(
  source: Buffer,
  start: number,
  end: number,
  output: Buffer,
  position: number,
): number {
  let at = position;
  let literalStart = start;
  if (end - start > MARGIN) {
    const bits = tableBits(end - start);
    const shift = 32 - bits;
    const table = emptyTable(bits);
    const last = end - MARGIN;
    let from = start;
    // The longer nothing is found, the larger the steps: incompressible input goes by quickly.
    let misses = 32;
    while (from < last) {
      const word = word32(source, from);
      const slot = Math.imul(word, HASH_MULTIPLIER) >>> shift;
      const candidate = table[slot] as number;
      table[slot] = from;
      if (candidate < 0 || word32(source, candidate) !== word) {
        from += misses++ >>> 5;
        continue;
      }
      misses = 32;
      if (from > literalStart) at = writeLiteral(source, literalStart, from, output, at);
      const matchEnd = endOfMatch(source, candidate, from, end);
      at = writeCopy(output, at, from - candidate, matchEnd - from);
      from = matchEnd;
      literalStart = from;
      if (from < last) {
        table[Math.imul(word32(source, from - 1), HASH_MULTIPLIER) >>> shift] = from - 1;
      }
    }
  }
  if (literalStart < end) at = writeLiteral(source, literalStart, end, output, at);
  return at;
}

function writeLiteral(
  source: Buffer,
  start: number,
  end: number,
  output: Buffer,
  position: number,
): number {
  let at = position;
  const code = end - start - 1;
  if (code < 60) {
    output[at++] = code << 2;
  } else if (code < 0x100) {
    output[at++] = 60 << 2;
    output[at++] = code;
  } else {
    output[at++] = 61 << 2;
    output[at++] = code & 0xff;
    output[at++] = code >>> 8;
  }
  copyLiteral(source, start, end, output, at);
  return at + end - start;
}

function writeCopy(output: Buffer, position: number, distance: number, length: number): number {
  let at = position;
  let left = length;
  while (left >= 68) {
    at = writeLongCopy(output, at, distance, 64);
    left -= 64;
  }
  if (left > 64) {
    // Leaves at least four bytes, for which the short form may do.
    at = writeLongCopy(output, at, distance, 60);
    left -= 60;
  }
  if (left >= 12 || distance >= 2048) return writeLongCopy(output, at, distance, left);
  output[at++] = ((distance >>> 8) << 5) | ((left - 4) << 2) | 1;
  output[at++] = distance & 0xff;
  return at;
}

function writeLongCopy(output: Buffer, at: number, distance: number, length: number): number {
  output[at] = ((length - 1) << 2) | 2;
  output[at + 1] = distance & 0xff;
  output[at + 2] = distance >>> 8;
  return at + 3;
}

function corrupt(what: string): never {
  throw new KafkaError('CORRUPT_MESSAGE', `snappy: ${what}`);
}

/** The uncompressed length that the block in `source[start, end)` claims, if it can be true. */
export function snappyBlockLength(source: Buffer, start: number, end: number): number {
  let length = 0;
  for (let at = start, scale = 1; at < end && at < start + 5; at++, scale *= 128) {
    const byte = source[at] as number;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (length > (end - start) * EXPANSION_MAX) corrupt(`a length of ${length} is impossible`);
      return length;
    }
  }
  return corrupt('no length');
}

/**
 * Decompresses the block in `source[start, end)` to `output[position, …)`, which has room for the
 * length that `snappyBlockLength` found; answers where the output ends.
 */
export function readSnappyBlock(
  source: Buffer,
  start: number,
  end: number,
  output: Buffer,
  position: number,
): number {
  const length = snappyBlockLength(source, start, end);
  const outputEnd = position + length;
  let from = start + 1;
  while ((source[from - 1] as number) >= 0x80) from++;
  let at = position;
  while (from < end) {
    const tag = source[from++] as number;
    const kind = tag & 3;
    if (kind === 0) {
      let size = (tag >>> 2) + 1;
      if (size > 60) {
        const sizeBytes = size - 60;
        if (from + sizeBytes > end) corrupt('a literal is cut short');
        size = source.readUIntLE(from, sizeBytes) + 1;
        from += sizeBytes;
      }
      if (size > end - from || size > outputEnd - at) corrupt('a literal is too long');
      copyLiteral(source, from, from + size, output, at);
      from += size;
      at += size;
      continue;
    }
    let size = (tag >>> 2) + 1;
    let distance: number;
    const argumentBytes = kind === 3 ? 4 : kind;
    if (from + argumentBytes > end) corrupt('a copy is cut short');
    if (kind === 1) {
      size = ((tag >>> 2) & 7) + 4;
      distance = ((tag >>> 5) << 8) | (source[from] as number);
    } else if (kind === 2) {
      distance = (source[from] as number) | ((source[from + 1] as number) << 8);
    } else {
      distance = source.readUInt32LE(from);
    }
    from += argumentBytes;
    if (distance === 0 || distance > at - position) corrupt('a copy reaches before the start');
    if (size > outputEnd - at) corrupt('a copy is too long');
    copyMatch(output, at, distance, size);
    at += size;
  }
  if (at !== outputEnd) corrupt(`${at - position} bytes where ${length} were announced`);
  return at;
}

/**
 * Checks the block in `source[start, end)` without unpacking it: every length and every distance,
 * and that it makes as much as it claims. Answers how much that is.
 */
export function checkSnappyBlock(source: Buffer, start: number, end: number): number {
  const length = snappyBlockLength(source, start, end);
  let from = start + 1;
  while ((source[from - 1] as number) >= 0x80) from++;
  let at = 0;
  while (from < end) {
    const tag = source[from++] as number;
    const kind = tag & 3;
    let size = (tag >>> 2) + 1;
    if (kind === 0) {
      if (size > 60) {
        const sizeBytes = size - 60;
        if (from + sizeBytes > end) corrupt('a literal is cut short');
        size = source.readUIntLE(from, sizeBytes) + 1;
        from += sizeBytes;
      }
      if (size > end - from) corrupt('a literal is too long');
      from += size;
    } else {
      const argumentBytes = kind === 3 ? 4 : kind;
      if (from + argumentBytes > end) corrupt('a copy is cut short');
      let distance = source[from] as number;
      if (kind === 1) {
        size = ((tag >>> 2) & 7) + 4;
        distance |= (tag >>> 5) << 8;
      } else if (kind === 2) {
        distance |= (source[from + 1] as number) << 8;
      } else {
        distance = source.readUInt32LE(from);
      }
      if (distance === 0 || distance > at) corrupt('a copy reaches before the start');
      from += argumentBytes;
    }
    at += size;
  }
  if (at !== length) corrupt(`${at} bytes where ${length} were announced`);
  return length;
}
