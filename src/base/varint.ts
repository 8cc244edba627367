// Variable-length integers of the wire, 7 bits a byte, low bits first: unsigned ones (compact
// lengths and tags of flexible messages) and zigzag ones (records). Writers return the position
// after what they wrote and trust that the buffer has room. Readers check the bounds given and
// answer NaN for what is truncated, too long or out of range: the caller owns the error.

/** The largest number below 2^63. */
const LONG_MAGNITUDE_MAX = 2 ** 63 - 1024;

/** Bytes that `value` (0 to 2^32-1) takes. */
export function sizeOfUnsignedVarint(value: number): number {
  const bits = value | 0;
  if ((bits & 0xffff_ff80) === 0) return 1;
  if ((bits & 0xffff_c000) === 0) return 2;
  if ((bits & 0xffe0_0000) === 0) return 3;
  return (bits & 0xf000_0000) === 0 ? 4 : 5;
}

/** Bytes that a zigzag int32 takes. */
export function sizeOfVarint(value: number): number {
  return sizeOfUnsignedVarint((value << 1) ^ (value >> 31));
}

/** Bytes that a zigzag int64 takes. */
export function sizeOfVarlong(value: number): number {
  if (value === (value | 0)) return sizeOfVarint(value);
  let rest = Math.floor(magnitude(value) / 0x40);
  let size = 1;
  while (rest > 0) {
    rest = Math.floor(rest / 0x80);
    size++;
  }
  return size;
}

export function writeUnsignedVarint(buffer: Uint8Array, position: number, value: number): number {
  let bits = value | 0;
  let at = position;
  while ((bits & 0xffff_ff80) !== 0) {
    buffer[at++] = (bits & 0x7f) | 0x80;
    bits >>>= 7;
  }
  buffer[at++] = bits;
  return at;
}

/** Zigzag int32. */
export function writeVarint(buffer: Uint8Array, position: number, value: number): number {
  return writeUnsignedVarint(buffer, position, (value << 1) ^ (value >> 31));
}

/** Zigzag int64. */
export function writeVarlong(buffer: Uint8Array, position: number, value: number): number {
  if (value === (value | 0)) return writeVarint(buffer, position, value);
  const whole = magnitude(value);
  let rest = Math.floor(whole / 0x40);
  let at = position;
  let byte = ((whole - rest * 0x40) << 1) | (value < 0 ? 1 : 0);
  while (rest > 0) {
    buffer[at++] = byte | 0x80;
    const next = Math.floor(rest / 0x80);
    byte = rest - next * 0x80;
    rest = next;
  }
  buffer[at++] = byte;
  return at;
}

/** What zigzag keeps beside the sign; values outside int64 are clamped to it. */
function magnitude(value: number): number {
  return Math.min(value < 0 ? -value - 1 : value, LONG_MAGNITUDE_MAX);
}

/**
 * Reads varints one after the other without allocating: `position` moves behind each one, and is
 * unspecified after NaN.
 */
export class VarintReader {
  buffer: Uint8Array;
  position: number;
  /** Nothing at or behind this position is read. */
  end: number;

  constructor(buffer: Uint8Array, position = 0, end = buffer.length) {
    this.buffer = buffer;
    this.position = position;
    this.end = end;
  }

  /** 0 to 2^32-1, or NaN. */
  readUnsigned(): number {
    const { buffer, end } = this;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.position >= end) return Number.NaN;
      const byte = buffer[this.position++] as number;
      if (shift === 28 && byte > 0x0f) return Number.NaN;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return Number.NaN;
  }

  /** A zigzag int32, or NaN. */
  readSigned(): number {
    const { buffer, position } = this;
    if (position < this.end) {
      const byte = buffer[position] as number;
      if (byte < 0x80) {
        this.position = position + 1;
        return (byte >>> 1) ^ -(byte & 1);
      }
    }
    const unsigned = this.readUnsigned();
    if (Number.isNaN(unsigned)) return unsigned;
    return (unsigned >>> 1) ^ -(unsigned & 1);
  }

  /** A zigzag int64 (nearest number beyond 2^53), or NaN. */
  readSignedLong(): number {
    const { buffer, end } = this;
    if (this.position >= end) return Number.NaN;
    let byte = buffer[this.position++] as number;
    const odd = byte & 1;
    if (byte < 0x80) return (byte >>> 1) ^ -odd;
    // The value without the sign bit: the low 27 bits as an integer, the rest as a float.
    let low = (byte & 0x7f) >>> 1;
    let high = 0;
    for (let shift = 6; shift < 69; shift += 7) {
      if (this.position >= end) return Number.NaN;
      byte = buffer[this.position++] as number;
      if (shift === 62 && byte > 1) return Number.NaN;
      const bits = byte & 0x7f;
      if (shift < 27) low |= bits << shift;
      else high += bits * 2 ** (shift - 27);
      if (byte < 0x80) {
        const value = high * 0x800_0000 + low;
        return odd === 0 ? value : -value - 1;
      }
    }
    return Number.NaN;
  }
}
