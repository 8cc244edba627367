// Reads the primitive types of the protocol from one frame. Invariant: nothing is read, sliced or
// allocated before its length was compared with the bytes that remain, so that hostile input costs
// at most a small multiple of its own size and fails with MalformedError, never with RangeError.

import { INEXACT_FROM } from '../base/int64.ts';
import { uuidFromBytes } from '../base/uuid.ts';
import { MalformedError } from './errors.ts';

/**
 * What all arrays of one message may hold together: 2^21 structs, or eight times as many scalars.
 * No cluster has so many partitions. Without a limit a frame of the largest size allowed, full of
 * empty structs of two bytes, would become objects of fifty times its size.
 */
const arrayCostMax = 2 ** 24;
export const STRUCT_COST = 8;
export const SCALAR_COST = 1;

const LONG_MAX = 2n ** 63n - 1n;
const LONG_MIN = -(2n ** 63n);

export class Reader {
  readonly buffer: Buffer;
  position: number;
  readonly end: number;
  #costLeft = arrayCostMax;
  /** An int64 that was read and is no number of ours: its neighbour reads as the same. */
  inexact: bigint | null = null;

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer;
    this.position = position;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** The position of the next `sizeBytes` bytes, which are there and are passed over. */
  take(sizeBytes: number): number {
    const position = this.position;
    if (sizeBytes > this.end - position) {
      throw new MalformedError(`${sizeBytes} bytes expected, ${this.end - position} remain`);
    }
    this.position = position + sizeBytes;
    return position;
  }

  int8(): number {
    const position = this.take(1);
    return ((this.buffer[position] as number) << 24) >> 24;
  }

  bool(): boolean {
    return this.buffer[this.take(1)] !== 0;
  }

  uint16(): number {
    const position = this.take(2);
    const buffer = this.buffer;
    return ((buffer[position] as number) << 8) | (buffer[position + 1] as number);
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  int32(): number {
    const position = this.take(4);
    const buffer = this.buffer;
    return (
      ((buffer[position] as number) << 24) |
      ((buffer[position + 1] as number) << 16) |
      ((buffer[position + 2] as number) << 8) |
      (buffer[position + 3] as number)
    );
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /**
   * Exact up to 2^53; beyond, the nearest double, so that Long.MAX_VALUE reads as 2^63. What is
   * beyond and neither Long.MAX_VALUE nor MIN_VALUE is noted (docs/decisions/0002).
   */
  int64(): number {
    const value = this.int64Rounded();
    if (value >= INEXACT_FROM || value <= -INEXACT_FROM) this.#noteInexact();
    return value;
  }

  #noteInexact(): void {
    const value = this.buffer.readBigInt64BE(this.position - 8);
    if (value !== LONG_MAX && value !== LONG_MIN) this.inexact ??= value;
  }

  /** As int64, where only the order matters: a rounded value has it with every exact one. */
  int64Rounded(): number {
    const position = this.take(8);
    const buffer = this.buffer;
    const high =
      ((buffer[position] as number) << 24) |
      ((buffer[position + 1] as number) << 16) |
      ((buffer[position + 2] as number) << 8) |
      (buffer[position + 3] as number);
    const low =
      ((buffer[position + 4] as number) << 24) |
      ((buffer[position + 5] as number) << 16) |
      ((buffer[position + 6] as number) << 8) |
      (buffer[position + 7] as number);
    return high * 4294967296 + (low >>> 0);
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8));
  }

  uuid(): string {
    return uuidFromBytes(this.buffer, this.take(16));
  }

  /** Unsigned LEB128 of at most 32 bits. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) break;
        return value >>> 0;
      }
    }
    throw new MalformedError('a varint has more than 32 bits');
  }

  /** The length before a string; -1 is null. */
  stringLength(compact: boolean): number {
    return compact ? this.uvarint() - 1 : this.int16();
  }

  /** The length before bytes, records and arrays; -1 is null. */
  length(compact: boolean): number {
    return compact ? this.uvarint() - 1 : this.int32();
  }

  string(compact: boolean): string | null {
    const sizeBytes = this.stringLength(compact);
    if (sizeBytes < 0) return this.#nullOf(sizeBytes);
    if (sizeBytes === 0) return '';
    const position = this.take(sizeBytes);
    return this.buffer.toString('utf8', position, position + sizeBytes);
  }

  /** A slice of the frame, not a copy. */
  bytes(compact: boolean): Buffer | null {
    const sizeBytes = this.length(compact);
    if (sizeBytes < 0) return this.#nullOf(sizeBytes);
    const position = this.take(sizeBytes);
    return this.buffer.subarray(position, position + sizeBytes);
  }

  /**
   * The number of elements of an array, or null; elements take at least `elementBytesMin` each, so
   * that a count that cannot be true fails here, before anything is made for it.
   */
  count(compact: boolean, elementBytesMin: number, elementCost: number): number | null {
    const count = this.length(compact);
    if (count < 0) return this.#nullOf(count);
    if (count * elementBytesMin > this.end - this.position) {
      throw new MalformedError(`an array of ${count} elements in ${this.remaining} bytes`);
    }
    this.#costLeft -= count * elementCost;
    if (this.#costLeft < 0) throw new MalformedError('more array elements than any message needs');
    return count;
  }

  /** Passes over the tagged fields of a struct of which no tag is known. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.take(this.uvarint());
    }
  }

  #nullOf(length: number): null {
    if (length !== -1) throw new MalformedError(`a length of ${length}`);
    return null;
  }
}
