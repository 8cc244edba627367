// What the two LZ77 codecs without entropy coding, snappy and lz4, have in common: the table of
// places seen and the copying of matches.

const TABLE_BITS_MAX = 14;
const TABLE_BITS_MIN = 8;

export const MATCH_BYTES_MIN = 4;

const table = new Int32Array(1 << TABLE_BITS_MAX);

/** Bits of a hash table that suits `length` bytes of input. */
export function tableBits(length: number): number {
  const bits = 32 - Math.clz32(length);
  return Math.max(TABLE_BITS_MIN, Math.min(TABLE_BITS_MAX, bits));
}

/** An empty table of positions; -1 is "nothing seen". One user at a time. */
export function emptyTable(bits: number): Int32Array {
  table.fill(-1, 0, 1 << bits);
  return table;
}

/** Four bytes as one number: what a match must have in common to be one. */
export function word32(buffer: Buffer, at: number): number {
  return (
    (buffer[at] as number) |
    ((buffer[at + 1] as number) << 8) |
    ((buffer[at + 2] as number) << 16) |
    ((buffer[at + 3] as number) << 24)
  );
}

/** Where the bytes at `at` cease to be those at `candidate`, of which the first four are. */
export function endOfMatch(source: Buffer, candidate: number, at: number, limit: number): number {
  let end = at + MATCH_BYTES_MIN;
  for (let seen = candidate + MATCH_BYTES_MIN; end < limit; seen++, end++) {
    if (source[seen] !== source[end]) break;
  }
  return end;
}

/**
 * Copies `length` bytes that lie `distance` behind `at` to `at`, byte after byte where the two
 * overlap, as the formats demand.
 */
export function copyMatch(output: Buffer, at: number, distance: number, length: number): void {
  const from = at - distance;
  if (length < 32 || distance < length) {
    if (distance === 1) {
      output.fill(output[from] as number, at, at + length);
      return;
    }
    for (let i = 0; i < length; i++) output[at + i] = output[from + i] as number;
    return;
  }
  output.copyWithin(at, from, from + length);
}

/** Copies bytes between buffers; short runs are faster in a loop than in a call. */
export function copyLiteral(
  source: Buffer,
  start: number,
  end: number,
  output: Buffer,
  at: number,
): void {
  if (end - start < 48) {
    for (let from = start, to = at; from < end; ) output[to++] = source[from++] as number;
    return;
  }
  source.copy(output, at, start, end);
}
