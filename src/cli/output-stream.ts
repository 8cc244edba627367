// Standard output for bulk: small pieces are gathered into large ones, `flush` waits for a reader
// that is slower than we are, and a reader that has gone away is a state, not an error.

import type { Writable } from 'node:stream';
import { Deferred } from '../base/deferred.ts';

const chunkBytes = 256 * 1024;

export class OutputStream {
  /** Called once when nobody reads any more. */
  onClosed: () => void = () => {};
  /** Bytes that were handed over so far. */
  bytes = 0;
  readonly #stream: Writable;
  #chunk = Buffer.allocUnsafeSlow(chunkBytes);
  #length = 0;
  #isFull = false;
  #isClosed = false;
  #drained: Deferred<void> | null = null;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('drain', () => this.#onDrain());
    stream.on('error', () => this.#onClose());
    stream.on('close', () => this.#onClose());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length > chunkBytes - this.#length) this.#send();
    if (length > chunkBytes) {
      this.#hand(bytes);
      return;
    }
    this.#chunk.set(bytes, this.#length);
    this.#length += length;
  }

  writeText(text: string): void {
    if (text.length * 3 > chunkBytes - this.#length) {
      this.write(Buffer.from(text));
      return;
    }
    this.#length += this.#chunk.write(text, this.#length);
  }

  /** Hands over what was gathered; resolves when there is room for more, or nobody reads. */
  async flush(): Promise<void> {
    this.#send();
    while (this.#isFull && !this.#isClosed) {
      this.#drained ??= new Deferred();
      await this.#drained.promise;
    }
  }

  #send(): void {
    if (this.#length === 0) return;
    let chunk = this.#chunk.subarray(0, this.#length);
    // The stream may hold on to what it is given.
    if (this.#length < chunkBytes / 8) chunk = Buffer.from(chunk);
    else this.#chunk = Buffer.allocUnsafeSlow(chunkBytes);
    this.#length = 0;
    this.#hand(chunk);
  }

  #hand(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.bytes += bytes.length;
    if (!this.#stream.write(bytes)) this.#isFull = true;
  }

  #onDrain(): void {
    this.#isFull = false;
    this.#drained?.resolve();
    this.#drained = null;
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onDrain();
    this.onClosed();
  }
}
