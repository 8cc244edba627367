// Writes the primitive types of the protocol into one growing buffer, and strings record sets in
// between as they are. Invariant: the pieces of finish(), joined, are the frame; record sets of
// any size worth sparing are handed on as the slices they came in, and must not change until sent.

import { isUuid, uuidToBytes, ZERO_UUID } from '../base/uuid.ts';
import { KafkaError } from './errors.ts';
import { INT64_MAX } from './schema.ts';

/** Below this, copying records is cheaper than one more piece for the socket to gather. */
const copiedBytesMax = 256;

/** Up to here, a loop over the characters is cheaper than a call out of JavaScript. */
const asciiLengthMax = 48;

export class Writer {
  #buffer: Buffer;
  #position = 0;
  /** Where the bytes begin that are in no piece yet. */
  #start = 0;
  #pieces: Buffer[] = [];
  #piecesBytes = 0;

  constructor(capacityBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(capacityBytes);
  }

  get sizeBytes(): number {
    return this.#piecesBytes + this.#position - this.#start;
  }

  /** The position of `sizeBytes` bytes that the caller now fills. */
  #reserve(sizeBytes: number): number {
    const position = this.#position;
    if (position + sizeBytes > this.#buffer.length) return this.#grow(sizeBytes);
    this.#position = position + sizeBytes;
    return position;
  }

  #grow(sizeBytes: number): number {
    const pending = this.#position - this.#start;
    const grown = Buffer.allocUnsafe(Math.max(512, 2 * (pending + sizeBytes)));
    this.#buffer.copy(grown, 0, this.#start, this.#position);
    this.#buffer = grown;
    this.#start = 0;
    this.#position = pending + sizeBytes;
    return pending;
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) throw outOfRange('int8', value);
    const position = this.#reserve(1);
    this.#buffer[position] = value;
  }

  bool(value: boolean): void {
    const position = this.#reserve(1);
    this.#buffer[position] = value ? 1 : 0;
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) throw outOfRange('int16', value);
    this.#put16(value);
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) throw outOfRange('uint16', value);
    this.#put16(value);
  }

  #put16(value: number): void {
    const position = this.#reserve(2);
    const buffer = this.#buffer;
    buffer[position] = value >> 8;
    buffer[position + 1] = value;
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw outOfRange('int32', value);
    this.#put32(value);
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) throw outOfRange('uint32', value);
    this.#put32(value | 0);
  }

  #put32(value: number): void {
    const position = this.#reserve(4);
    const buffer = this.#buffer;
    buffer[position] = value >> 24;
    buffer[position + 1] = value >> 16;
    buffer[position + 2] = value >> 8;
    buffer[position + 3] = value;
  }

  /** 2^63 and more become Long.MAX_VALUE, the other half of what Reader.int64 says. */
  int64(value: number): void {
    if (value >= INT64_MAX) {
      this.#put32(0x7fffffff);
      this.#put32(-1);
      return;
    }
    const high = Math.floor(value / 4294967296);
    const low = value - high * 4294967296;
    if ((high | 0) !== high || low >>> 0 !== low) throw outOfRange('int64', value);
    this.#put32(high);
    this.#put32(low | 0);
  }

  float64(value: number): void {
    const position = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, position);
  }

  uuid(value: string): void {
    if (!isUuid(value)) throw new KafkaError('INVALID_REQUEST', `not a uuid: ${value}`);
    const position = this.#reserve(16);
    if (value === ZERO_UUID) this.#buffer.fill(0, position, position + 16);
    else uuidToBytes(value, this.#buffer, position);
  }

  uvarint(value: number): void {
    let left = value;
    while (left > 0x7f) {
      const position = this.#reserve(1);
      this.#buffer[position] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    const position = this.#reserve(1);
    this.#buffer[position] = left;
  }

  /** The length of a string; -1 is null. */
  stringLength(length: number, compact: boolean): void {
    if (compact) this.uvarint(length + 1);
    else this.int16(length);
  }

  /** The length of bytes, records and arrays; -1 is null. */
  length(length: number, compact: boolean): void {
    if (compact) this.uvarint(length + 1);
    else this.int32(length);
  }

  string(value: string, compact: boolean): void {
    if (value.length <= asciiLengthMax && this.#ascii(value, compact)) return;
    const sizeBytes = Buffer.byteLength(value);
    if (!compact && sizeBytes > 0x7fff) {
      throw new KafkaError('INVALID_REQUEST', `a string of ${sizeBytes} bytes`);
    }
    this.stringLength(sizeBytes, compact);
    const position = this.#reserve(sizeBytes);
    this.#buffer.write(value, position, sizeBytes, 'utf8');
  }

  /** Whether the string was short and plain enough; if not, nothing was written. */
  #ascii(value: string, compact: boolean): boolean {
    const length = value.length;
    const sizeBytes = length + (compact ? 1 : 2);
    let position = this.#reserve(sizeBytes);
    const buffer = this.#buffer;
    // Both length fields end in a byte that says it all, because the string is short.
    if (compact) buffer[position++] = length + 1;
    else {
      buffer[position++] = 0;
      buffer[position++] = length;
    }
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        this.#position -= sizeBytes;
        return false;
      }
      buffer[position + i] = code;
    }
    return true;
  }

  bytes(value: Buffer, compact: boolean): void {
    this.length(value.length, compact);
    this.raw(value);
  }

  /** Bytes as they are, copied. */
  raw(value: Buffer): void {
    const position = this.#reserve(value.length);
    value.copy(this.#buffer, position);
  }

  /** Record sets: the slices themselves, unless they are tiny. */
  records(value: Buffer | readonly Buffer[], compact: boolean): void {
    if (!Array.isArray(value)) {
      this.length((value as Buffer).length, compact);
      this.piece(value as Buffer);
      return;
    }
    let sizeBytes = 0;
    for (const slice of value as readonly Buffer[]) sizeBytes += slice.length;
    this.length(sizeBytes, compact);
    for (const slice of value as readonly Buffer[]) this.piece(slice);
  }

  /** Bytes that must not change: as a piece of their own, unless they are few. */
  piece(slice: Buffer): void {
    if (slice.length <= copiedBytesMax) {
      this.raw(slice);
      return;
    }
    this.#cut();
    this.#pieces.push(slice);
    this.#piecesBytes += slice.length;
  }

  #cut(): void {
    if (this.#position === this.#start) return;
    this.#pieces.push(this.#buffer.subarray(this.#start, this.#position));
    this.#piecesBytes += this.#position - this.#start;
    this.#start = this.#position;
  }

  /** The pieces written so far. The writer is spent. */
  finish(): Buffer[] {
    this.#cut();
    return this.#pieces;
  }
}

function outOfRange(type: string, value: number): KafkaError {
  return new KafkaError('INVALID_REQUEST', `${value} is not in the range of ${type}`);
}
