// LZ4's block format: sequences of literals and a match. The last five bytes are always literals
// and no match starts in the last twelve, as the format demands.

import { KafkaError } from '../../errors.ts';
import {
  copyLiteral,
  copyMatch,
  emptyTable,
  endOfMatch,
  MATCH_BYTES_MIN,
  tableBits,
  word32,
} from './matches.ts';

const DISTANCE_MAX = 0xffff;
const LAST_LITERALS = 5;
const MATCH_START_MARGIN = 12;
const HASH_MULTIPLIER = 0x9e37_79b1;

export function lz4BoundBytes(length: number): number {
  return length + Math.ceil(length / 255) + 16;
}

/** Writes the block of `source[start, end)` at `position` of `output`; answers where it ends. */
export function writeLz4Block(
  source: Buffer,
  start: number,
  end: number,
  output: Buffer,
  position: number,
): number {
  const bits = tableBits(end - start);
  const shift = 32 - bits;
  const table = emptyTable(bits);
  const last = end - MATCH_START_MARGIN;
  const matchLimit = end - LAST_LITERALS;
  let at = position;
  let literalStart = start;
  let from = start;
  // The longer nothing is found, the larger the steps: incompressible input goes by quickly.
  let misses = 64;
  while (from < last) {
    const word = word32(source, from);
    const slot = Math.imul(word, HASH_MULTIPLIER) >>> shift;
    const candidate = table[slot] as number;
    table[slot] = from;
    if (candidate < 0 || from - candidate > DISTANCE_MAX || word32(source, candidate) !== word) {
      from += misses++ >>> 6;
      continue;
    }
    misses = 64;
    const matchEnd = endOfMatch(source, candidate, from, matchLimit);
    const extra = matchEnd - from - MATCH_BYTES_MIN;
    at = writeLiterals(source, literalStart, from, output, at, Math.min(extra, 15));
    const distance = from - candidate;
    output[at++] = distance & 0xff;
    output[at++] = distance >>> 8;
    if (extra >= 15) at = writeLength(output, at, extra - 15);
    from = matchEnd;
    literalStart = from;
    if (from < last) {
      table[Math.imul(word32(source, from - 2), HASH_MULTIPLIER) >>> shift] = from - 2;
    }
  }
  return writeLiterals(source, literalStart, end, output, at, 0);
}

/** A sequence's token and literals; `matchCode` is the lower half of the token. */
function writeLiterals(
  source: Buffer,
  start: number,
  end: number,
  output: Buffer,
  position: number,
  matchCode: number,
): number {
  const length = end - start;
  let at = position;
  output[at++] = (Math.min(length, 15) << 4) | matchCode;
  if (length >= 15) at = writeLength(output, at, length - 15);
  copyLiteral(source, start, end, output, at);
  return at + length;
}

function writeLength(output: Buffer, position: number, length: number): number {
  let at = position;
  let left = length;
  while (left >= 255) {
    output[at++] = 255;
    left -= 255;
  }
  output[at++] = left;
  return at;
}

function corrupt(what: string): never {
  throw new KafkaError('CORRUPT_MESSAGE', `lz4: ${what}`);
}

/** Where a block lies, and where and how far its output may go. */
export interface Lz4BlockPlace {
  readonly start: number;
  readonly end: number;
  /** Where in the output the block starts; matches may reach back to 0 (linked blocks). */
  readonly position: number;
  readonly outputEnd: number;
}

/**
 * Decompresses a block; answers where the output ends, or -1 when it would go beyond `outputEnd`.
 */
export function readLz4Block(source: Buffer, output: Buffer, place: Lz4BlockPlace): number {
  const { end, outputEnd } = place;
  let from = place.start;
  let at = place.position;
  while (from < end) {
    const token = source[from++] as number;
    let literals = token >>> 4;
    if (literals === 15) {
      for (let byte = 255; byte === 255; literals += byte) {
        if (from >= end) corrupt('a length is cut short');
        byte = source[from++] as number;
      }
    }
    if (literals > end - from) corrupt('literals are cut short');
    if (literals > outputEnd - at) return -1;
    copyLiteral(source, from, from + literals, output, at);
    from += literals;
    at += literals;
    // Only the last sequence has no match.
    if (from === end) return at;
    if (end - from < 2) corrupt('a match is cut short');
    const distance = (source[from] as number) | ((source[from + 1] as number) << 8);
    from += 2;
    let length = token & 15;
    if (length === 15) {
      for (let byte = 255; byte === 255; length += byte) {
        if (from >= end) corrupt('a length is cut short');
        byte = source[from++] as number;
      }
    }
    length += MATCH_BYTES_MIN;
    if (distance === 0 || distance > at) corrupt('a match reaches before the start');
    if (length > outputEnd - at) return -1;
    copyMatch(output, at, distance, length);
    at += length;
  }
  return corrupt('the block ends with a match');
}

/**
 * What the block in `source[start, end)` unpacks to, found without unpacking it: every length and
 * every distance is checked, and that it makes at most `outputBytesMax`.
 */
export function lz4BlockLength(
  source: Buffer,
  start: number,
  end: number,
  outputBytesMax: number,
): number {
  let from = start;
  let length = 0;
  while (from < end) {
    const token = source[from++] as number;
    let literals = token >>> 4;
    if (literals === 15) {
      for (let byte = 255; byte === 255; literals += byte) {
        if (from >= end) corrupt('a length is cut short');
        byte = source[from++] as number;
      }
    }
    if (literals > end - from) corrupt('literals are cut short');
    from += literals;
    length += literals;
    if (from === end) {
      if (length > outputBytesMax) corrupt('a block is too long');
      return length;
    }
    if (end - from < 2) corrupt('a match is cut short');
    const distance = (source[from] as number) | ((source[from + 1] as number) << 8);
    if (distance === 0 || distance > length) corrupt('a match reaches before the start');
    from += 2;
    length += (token & 15) + MATCH_BYTES_MIN;
    if ((token & 15) === 15) {
      for (let byte = 255; byte === 255; length += byte) {
        if (from >= end) corrupt('a length is cut short');
        byte = source[from++] as number;
      }
    }
  }
  return corrupt('the block ends with a match');
}
