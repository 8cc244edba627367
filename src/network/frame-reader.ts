// Cuts a byte stream into Kafka's frames (a signed 32-bit size, then that many bytes). Chunks go
// in by `feed`, frames come out by `next`: the owner takes only as many as it can serve, the rest
// stays in the chunks it came in.
//
// Invariants: a frame that lies inside one chunk is a slice of it; a frame that spans chunks is
// copied once. Memory follows the bytes that have arrived, never the size that was announced:
// beyond `gatherBytes` a frame is gathered in the chunks it comes in (tiny ones are packed, so
// that a peer that sends byte by byte does not cost an object per byte) and joined at its end.

import { assert } from '../base/assert.ts';
import { FrameError } from './frame-error.ts';

export interface FrameReaderOptions {
  /** The largest frame accepted (socket.request.max.bytes). Default 100 MiB. */
  readonly frameBytesMax?: number;
  /** The smallest frame that can mean anything: 8 for requests, 4 (the default) for responses. */
  readonly frameBytesMin?: number;
}

/** Frames up to this size get their memory in one piece with their first byte. */
const gatherBytes = 16 * 1024;
/** Chunks smaller than this are packed into blocks while a large frame is gathered. */
const tinyChunkBytes = 4096;
const blockBytes = 16 * 1024;
const empty = Buffer.alloc(0);

export class FrameReader {
  #limits: { readonly min: number; readonly max: number };
  /** The chunk that is being read and how far. */
  #chunk: Buffer = empty;
  #position = 0;
  /** Chunks fed while frames of `#chunk` were still to be taken. */
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** The size of the frame under way; -1 while its size bytes are being read. */
  #size = -1;
  #sizeBits = 0;
  #sizeBytesRead = 0;
  /** The bytes of the frame under way that have been taken out of chunks. */
  #filled = 0;
  #frame: Buffer | null = null;
  #parts: Buffer[] = [];
  #block: Buffer = empty;
  #blockUsed = 0;
  #failure: FrameError | null = null;

  constructor(options: FrameReaderOptions = {}) {
    this.#limits = {
      min: options.frameBytesMin ?? 4,
      max: options.frameBytesMax ?? 100 * 1024 * 1024,
    };
  }

  /** For frames whose size is read from now on. */
  limit(limits: { readonly min: number; readonly max: number }): void {
    this.#limits = limits;
  }

  /** Bytes held for frames that were not taken yet. */
  get bufferedBytes(): number {
    return this.#chunk.length - this.#position + this.#waitingBytes + this.#filled;
  }

  /** Hands over a chunk; it must not change afterwards. */
  feed(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#position === this.#chunk.length) {
      this.#chunk = chunk;
      this.#position = 0;
    } else {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
    }
  }

  /**
   * The next whole frame without its size bytes, or null if it has not arrived yet.
   * Throws a FrameError (again and again) once a size outside the limits was read.
   */
  next(): Buffer | null {
    if (this.#failure !== null) throw this.#failure;
    for (;;) {
      if (this.#position === this.#chunk.length && !this.#nextChunk()) return null;
      if (this.#size < 0 && !this.#readSize()) continue;
      if (this.#size === 0) {
        this.#size = -1;
        return empty;
      }
      const frame = this.#takeBytes();
      if (frame !== null) return frame;
    }
  }

  #nextChunk(): boolean {
    const chunk = this.#waiting.shift();
    this.#chunk = chunk ?? empty;
    this.#position = 0;
    if (chunk === undefined) return false;
    this.#waitingBytes -= chunk.length;
    return true;
  }

  /** True once the size is known. */
  #readSize(): boolean {
    const chunk = this.#chunk;
    if (this.#sizeBytesRead === 0 && chunk.length - this.#position >= 4) {
      this.#acceptSize(chunk.readInt32BE(this.#position));
      this.#position += 4;
      return true;
    }
    while (this.#sizeBytesRead < 4) {
      if (this.#position === chunk.length) return false;
      this.#sizeBits = (this.#sizeBits << 8) | (chunk[this.#position++] as number);
      this.#sizeBytesRead++;
    }
    this.#acceptSize(this.#sizeBits);
    return true;
  }

  #acceptSize(size: number): void {
    if (size < this.#limits.min || size > this.#limits.max) {
      this.#failure = new FrameError(size, this.#limits);
      throw this.#failure;
    }
    this.#size = size;
    this.#sizeBits = 0;
    this.#sizeBytesRead = 0;
  }

  /** Takes what the chunk has of the frame; returns the frame if that completes it. */
  #takeBytes(): Buffer | null {
    const chunk = this.#chunk;
    const position = this.#position;
    const taken = Math.min(this.#size - this.#filled, chunk.length - position);
    // The chunk ends with the size bytes: the frame may still come in one piece.
    if (taken === 0) return null;
    this.#position = position + taken;
    if (taken === this.#size) {
      this.#size = -1;
      return chunk.subarray(position, position + taken);
    }
    if (this.#size <= gatherBytes) {
      this.#frame ??= Buffer.allocUnsafeSlow(this.#size);
      chunk.copy(this.#frame, this.#filled, position, position + taken);
    } else {
      this.#gather(chunk.subarray(position, position + taken));
    }
    this.#filled += taken;
    return this.#filled === this.#size ? this.#finishFrame() : null;
  }

  #gather(bytes: Buffer): void {
    if (bytes.length >= tinyChunkBytes) {
      this.#sealBlock();
      this.#parts.push(bytes);
      return;
    }
    if (this.#blockUsed + bytes.length > this.#block.length) {
      this.#sealBlock();
      this.#block = Buffer.allocUnsafeSlow(blockBytes);
    }
    bytes.copy(this.#block, this.#blockUsed);
    this.#blockUsed += bytes.length;
  }

  /** Keeps order: what was packed comes before what comes next. The block's rest stays usable. */
  #sealBlock(): void {
    if (this.#blockUsed === 0) return;
    this.#parts.push(this.#block.subarray(0, this.#blockUsed));
    this.#block = this.#block.subarray(this.#blockUsed);
    this.#blockUsed = 0;
  }

  #finishFrame(): Buffer {
    let frame = this.#frame;
    if (frame === null) {
      this.#sealBlock();
      frame = Buffer.allocUnsafeSlow(this.#size);
      let position = 0;
      for (const part of this.#parts) position += part.copy(frame, position);
      assert(position === this.#size, 'the gathered parts are the frame');
    }
    this.#frame = null;
    this.#parts = [];
    this.#block = empty;
    this.#filled = 0;
    this.#size = -1;
    return frame;
  }
}
