// 64-bit integers of the wire as JavaScript numbers: exact up to 2^53, nearest beyond it. Java's
// Long.MAX_VALUE and Long.MIN_VALUE, which protocols use as "no bound", read as 2^63 and -2^63 and
// are written back as themselves; every other value outside the range is clamped to it.

const WORD = 0x1_0000_0000;

/** How Long.MAX_VALUE reads: 2^63, the next number above it. */
export const INT64_MAX = 0x8000_0000 * WORD;

/** From here on, above and below zero, a number stands for more than one int64. */
export const INEXACT_FROM = 2 ** 53;

export function readInt64(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position) * WORD + buffer.readUInt32BE(position + 4);
}

export function writeInt64(buffer: Buffer, position: number, value: number): void {
  if (value >= INT64_MAX) {
    buffer.writeInt32BE(0x7fff_ffff, position);
    buffer.writeInt32BE(-1, position + 4);
    return;
  }
  const high = value <= -INT64_MAX ? -0x8000_0000 : Math.floor(value / WORD);
  const low = value <= -INT64_MAX ? 0 : value - high * WORD;
  buffer.writeInt32BE(high, position);
  buffer.writeInt32BE(low | 0, position + 4);
}
