// Jute, the encoding of ZooKeeper's protocol: integers big-endian, a size before bytes and texts
// (-1: none), a count before vectors. A frame is a size and that many bytes.
//
// Invariant: a reader takes nothing that is not there: a size or a count that goes beyond the frame
// is a MalformedError, before anything is allocated for it.

import { MalformedError } from '../../../protocol/index.ts';

export class JuteWriter {
  readonly #chunks: Buffer[] = [];
  #sizeBytes = 0;

  int(value: number): this {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeInt32BE(value);
    return this.raw(bytes);
  }

  long(value: bigint): this {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64BE(value);
    return this.raw(bytes);
  }

  bool(value: boolean): this {
    return this.raw(Buffer.from([value ? 1 : 0]));
  }

  bytes(value: Buffer | null): this {
    if (value === null) return this.int(-1);
    return this.int(value.length).raw(value);
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value));
  }

  vector<T>(items: readonly T[], write: (writer: JuteWriter, item: T) => void): this {
    this.int(items.length);
    for (const item of items) write(this, item);
    return this;
  }

  /** What is encoded already. */
  raw(bytes: Buffer): this {
    this.#chunks.push(bytes);
    this.#sizeBytes += bytes.length;
    return this;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  finish(): Buffer {
    return Buffer.concat(this.#chunks, this.#sizeBytes);
  }

  finishFrame(): Buffer {
    const size = Buffer.allocUnsafe(4);
    size.writeInt32BE(this.#sizeBytes);
    return Buffer.concat([size, ...this.#chunks], this.#sizeBytes + 4);
  }
}

export class JuteReader {
  readonly #frame: Buffer;
  #position = 0;

  constructor(frame: Buffer) {
    this.#frame = frame;
  }

  get remainingBytes(): number {
    return this.#frame.length - this.#position;
  }

  int(): number {
    return this.#frame.readInt32BE(this.#take(4));
  }

  long(): bigint {
    return this.#frame.readBigInt64BE(this.#take(8));
  }

  bool(): boolean {
    return this.#frame[this.#take(1)] !== 0;
  }

  bytes(): Buffer | null {
    const sizeBytes = this.int();
    if (sizeBytes === -1) return null;
    if (sizeBytes < 0) throw new MalformedError(`a size of ${sizeBytes} bytes`);
    const start = this.#take(sizeBytes);
    return this.#frame.subarray(start, start + sizeBytes);
  }

  text(): string {
    return this.bytes()?.toString() ?? '';
  }

  vector<T>(read: (reader: JuteReader) => T): T[] {
    const count = this.int();
    // No item is smaller than a byte.
    if (count > this.remainingBytes) throw new MalformedError(`a count of ${count}`);
    const items: T[] = [];
    for (let at = 0; at < count; at++) items.push(read(this));
    return items;
  }

  #take(sizeBytes: number): number {
    const start = this.#position;
    if (sizeBytes > this.remainingBytes) {
      throw new MalformedError(`${sizeBytes} bytes at ${start} of ${this.#frame.length}`);
    }
    this.#position = start + sizeBytes;
    return start;
  }
}
