// LZ4's frame format as Kafka uses it: independent blocks of 64 KiB, no checksums but that of the
// frame header. KIP-57: clients of message format 0 compute that one over the frame's magic too,
// and Java reads nothing else there; readers here take either.

import { KafkaError } from '../../errors.ts';
import { lz4BoundBytes, readLz4Block, writeLz4Block } from './lz4-block.ts';
import { keepFirst, scratch } from './scratch.ts';
import { xxhash32 } from './xxhash32.ts';

const FRAME_MAGIC = 0x184d_2204;
const SKIPPABLE_MAGIC = 0x184d_2a50;
const VERSION = 1 << 6;
const FLAG_INDEPENDENT = 1 << 5;
const FLAG_BLOCK_CHECKSUM = 1 << 4;
const FLAG_CONTENT_SIZE = 1 << 3;
const FLAG_CONTENT_CHECKSUM = 1 << 2;
const FLAG_DICTIONARY = 1;
const BLOCK_64_KIB = 4;
const STORED = 0x8000_0000;
const HEADER_BYTES = 7;
const BLOCK_BYTES = 64 * 1024;

export interface Lz4Options {
  /** For message format 0: the header checksum that old clients compute and expect. */
  readonly hasBrokenHeaderChecksum?: boolean;
}

export function compressLz4(data: Buffer, options: Lz4Options = {}): Buffer {
  const blocks = Math.ceil(data.length / BLOCK_BYTES);
  const output = scratch(
    HEADER_BYTES + blocks * (4 + lz4BoundBytes(Math.min(data.length, BLOCK_BYTES))) + 4,
  );
  output.writeUInt32LE(FRAME_MAGIC, 0);
  output[4] = VERSION | FLAG_INDEPENDENT;
  output[5] = BLOCK_64_KIB << 4;
  output[6] = headerChecksum(output, options.hasBrokenHeaderChecksum === true ? 0 : 4, 6);
  let at = HEADER_BYTES;
  for (let start = 0; start < data.length; start += BLOCK_BYTES) {
    const end = Math.min(data.length, start + BLOCK_BYTES);
    const blockEnd = writeLz4Block(data, start, end, output, at + 4);
    const size = blockEnd - at - 4;
    if (size < end - start) {
      output.writeUInt32LE(size, at);
      at = blockEnd;
    } else {
      output.writeUInt32LE(STORED + (end - start), at);
      at += 4 + data.copy(output, at + 4, start, end);
    }
  }
  output.writeUInt32LE(0, at);
  return keepFirst(output, at + 4);
}

function headerChecksum(buffer: Buffer, start: number, end: number): number {
  return (xxhash32(buffer, start, end) >>> 8) & 0xff;
}

function corrupt(what: string): never {
  throw new KafkaError('CORRUPT_MESSAGE', `lz4: ${what}`);
}

export function decompressLz4(data: Buffer, sizeBytesMax: number): Buffer {
  const frames: Buffer[] = [];
  let length = 0;
  let at = 0;
  while (at < data.length || at === 0) {
    if (data.length - at < 8) corrupt('the frame is cut short');
    const magic = data.readUInt32LE(at);
    if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + data.readUInt32LE(at + 4);
      if (at > data.length) corrupt('the frame is cut short');
      continue;
    }
    const frame = new Lz4Frame(data, at);
    const content = frame.read(sizeBytesMax - length);
    frames.push(content);
    length += content.length;
    at = frame.end;
  }
  return frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames, length);
}

/** One frame: its header when constructed, its blocks when read. */
class Lz4Frame {
  /** Where the frame ends in the data; known after read(). */
  end = 0;
  readonly #data: Buffer;
  readonly #flags: number;
  readonly #blockBytesMax: number;
  readonly #blocksPosition: number;
  readonly #contentBytes: number = -1;

  constructor(data: Buffer, position: number) {
    this.#data = data;
    if (data.readUInt32LE(position) !== FRAME_MAGIC) corrupt('no frame');
    this.#flags = data[position + 4] as number;
    if ((this.#flags & 0xc0) !== VERSION) corrupt('unknown frame version');
    const blockSize = ((data[position + 5] as number) >>> 4) & 7;
    if (blockSize < BLOCK_64_KIB) corrupt('unknown block size');
    this.#blockBytesMax = 1 << (8 + 2 * blockSize);
    let at = position + 6;
    if ((this.#flags & FLAG_CONTENT_SIZE) !== 0) {
      if (data.length - at < 8) corrupt('the frame is cut short');
      this.#contentBytes = data.readUInt32LE(at) + data.readUInt32LE(at + 4) * 0x1_0000_0000;
      at += 8;
    }
    if ((this.#flags & FLAG_DICTIONARY) !== 0) corrupt('the frame needs a dictionary');
    if (at >= data.length) corrupt('the frame is cut short');
    const checksum = data[at] as number;
    if (
      checksum !== headerChecksum(data, position + 4, at) &&
      checksum !== headerChecksum(data, position, at)
    ) {
      corrupt('wrong checksum of the frame header');
    }
    this.#blocksPosition = at + 1;
  }

  read(sizeBytesMax: number): Buffer {
    const bound = this.#outputBound();
    const limit = Math.min(bound, sizeBytesMax);
    const output = scratch(limit);
    const data = this.#data;
    const isLinked = (this.#flags & FLAG_INDEPENDENT) === 0;
    let at = this.#blocksPosition;
    let position = 0;
    for (;;) {
      const head = data.readUInt32LE(at);
      at += 4;
      if (head === 0) break;
      const size = head % STORED;
      const end = at + size;
      const outputEnd = Math.min(limit, position + this.#blockBytesMax);
      if (head >= STORED) {
        if (size > outputEnd - position) this.#failTooLong(outputEnd, limit, sizeBytesMax);
        position += data.copy(output, position, at, end);
      } else {
        const target = isLinked ? output : output.subarray(position);
        const base = isLinked ? 0 : position;
        const reached = readLz4Block(data, target, {
          start: at,
          end,
          position: position - base,
          outputEnd: outputEnd - base,
        });
        if (reached < 0) this.#failTooLong(outputEnd, limit, sizeBytesMax);
        position = base + reached;
      }
      if ((this.#flags & FLAG_BLOCK_CHECKSUM) !== 0) {
        if (data.readUInt32LE(end) !== xxhash32(data, at, end)) corrupt('wrong block checksum');
        at = end + 4;
      } else {
        at = end;
      }
    }
    if ((this.#flags & FLAG_CONTENT_CHECKSUM) !== 0) {
      if (data.length - at < 4) corrupt('the frame is cut short');
      if (data.readUInt32LE(at) !== xxhash32(output, 0, position)) {
        corrupt('wrong checksum of the content');
      }
      at += 4;
    }
    if (this.#contentBytes >= 0 && this.#contentBytes !== position) {
      corrupt(`${position} bytes where ${this.#contentBytes} were announced`);
    }
    this.end = at;
    return keepFirst(output, position);
  }

  /**
   * What the blocks can make at most. Walks their heads, so that afterwards every block, its
   * checksum and the end mark are known to lie inside the data.
   */
  #outputBound(): number {
    const data = this.#data;
    const checksumBytes = (this.#flags & FLAG_BLOCK_CHECKSUM) !== 0 ? 4 : 0;
    let bound = 0;
    for (let at = this.#blocksPosition; ; ) {
      if (data.length - at < 4) corrupt('the frame is cut short');
      const head = data.readUInt32LE(at);
      if (head === 0) return bound;
      const size = head % STORED;
      at += 4 + size + checksumBytes;
      if (size > this.#blockBytesMax || at > data.length) corrupt('a block is cut short');
      bound += head >= STORED ? size : Math.min(this.#blockBytesMax, size * 255);
    }
  }

  #failTooLong(outputEnd: number, limit: number, sizeBytesMax: number): never {
    if (outputEnd === limit && limit === sizeBytesMax) {
      throw new KafkaError('MESSAGE_TOO_LARGE', `lz4: more than ${sizeBytesMax} bytes`);
    }
    return corrupt('a block is too long');
  }
}
