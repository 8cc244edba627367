// LZ4's frame format as Kafka uses it: independent blocks of 64 KiB, no checksums but that of the
// frame header. KIP-57: clients of message format 0 compute that one over the frame's magic too,
// and Java reads nothing else there; readers here take either. Kafka reads one frame and looks at
// nothing behind it, so readers here do the same; what it does not read at all (blocks that build
// on each other, dictionaries) is read here, and refused where batches are taken (checkLz4).

import { KafkaError } from '../../errors.ts';
import { lz4BlockLength, lz4BoundBytes, readLz4Block, writeLz4Block } from './lz4-block.ts';
import { keepFirst, scratch } from './scratch.ts';
import { xxhash32 } from './xxhash32.ts';

const FRAME_MAGIC = 0x184d_2204;
const VERSION = 1 << 6;
const FLAG_INDEPENDENT = 1 << 5;
const FLAG_BLOCK_CHECKSUM = 1 << 4;
const FLAG_CONTENT_SIZE = 1 << 3;
const FLAG_CONTENT_CHECKSUM = 1 << 2;
const FLAG_RESERVED = 1 << 1;
const FLAG_DICTIONARY = 1;
const BLOCK_SIZE_MASK = 0x70;
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
  return new Lz4Frame(data).read(sizeBytesMax);
}

/**
 * Checks that Kafka can read the data: all but what only unpacking shows if that would give more
 * than `sizeBytesMax`, which is when the answer is false.
 *
 * @throws KafkaError CORRUPT_MESSAGE
 */
export function checkLz4(data: Buffer, sizeBytesMax: number): boolean {
  const frame = new Lz4Frame(data);
  frame.assertKnownToKafka();
  if (frame.outputBound() <= sizeBytesMax) return true;
  const { length, end } = frame.walk();
  if (length <= sizeBytesMax) return true;
  // What is behind the frame may be the rest of the records: unpacking would show.
  if (data.length - end >= 4 && data.readUInt32LE(end) === FRAME_MAGIC) {
    corrupt('a frame behind the first, where Kafka does not look');
  }
  return false;
}

/** The frame that the data begins with: its header when constructed, its blocks when read. */
class Lz4Frame {
  readonly #data: Buffer;
  readonly #flags: number;
  readonly #blockBytesMax: number;
  readonly #blocksPosition: number;
  readonly #contentBytes: number = -1;

  constructor(data: Buffer) {
    this.#data = data;
    if (data.length < 8) corrupt('the frame is cut short');
    if (data.readUInt32LE(0) !== FRAME_MAGIC) corrupt('no frame');
    this.#flags = data[4] as number;
    if ((this.#flags & 0xc0) !== VERSION) corrupt('unknown frame version');
    const blockSize = ((data[5] as number) >>> 4) & 7;
    if (blockSize < BLOCK_64_KIB) corrupt('unknown block size');
    this.#blockBytesMax = 1 << (8 + 2 * blockSize);
    let at = 6;
    if ((this.#flags & FLAG_CONTENT_SIZE) !== 0) {
      if (data.length - at < 8) corrupt('the frame is cut short');
      this.#contentBytes = data.readUInt32LE(at) + data.readUInt32LE(at + 4) * 0x1_0000_0000;
      at += 8;
    }
    if ((this.#flags & FLAG_DICTIONARY) !== 0) corrupt('the frame needs a dictionary');
    if (at >= data.length) corrupt('the frame is cut short');
    const checksum = data[at] as number;
    if (checksum !== headerChecksum(data, 4, at) && checksum !== headerChecksum(data, 0, at)) {
      corrupt('wrong checksum of the frame header');
    }
    this.#blocksPosition = at + 1;
  }

  /** Kafka takes fewer forms of the header than the specification has. */
  assertKnownToKafka(): void {
    const data = this.#data;
    const checksumAt = this.#blocksPosition - 1;
    if ((this.#flags & FLAG_INDEPENDENT) === 0) corrupt('blocks that build on each other');
    if ((this.#flags & FLAG_RESERVED) !== 0) corrupt('a reserved flag');
    if (((data[5] as number) & ~BLOCK_SIZE_MASK) !== 0) corrupt('a reserved bit');
    if (data[checksumAt] !== headerChecksum(data, 4, checksumAt)) {
      corrupt('wrong checksum of the frame header');
    }
  }

  read(sizeBytesMax: number): Buffer {
    const bound = this.outputBound();
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
    }
    if (this.#contentBytes >= 0 && this.#contentBytes !== position) {
      corrupt(`${position} bytes where ${this.#contentBytes} were announced`);
    }
    return keepFirst(output, position);
  }

  /**
   * What independent blocks unpack to, found without unpacking them, and where the frame ends; the
   * checksums of blocks are checked, too.
   */
  walk(): { length: number; end: number } {
    const data = this.#data;
    const hasChecksums = (this.#flags & FLAG_BLOCK_CHECKSUM) !== 0;
    let length = 0;
    let at = this.#blocksPosition;
    for (let head = data.readUInt32LE(at); head !== 0; head = data.readUInt32LE(at)) {
      at += 4;
      const end = at + (head % STORED);
      length += head >= STORED ? end - at : lz4BlockLength(data, at, end, this.#blockBytesMax);
      if (hasChecksums && data.readUInt32LE(end) !== xxhash32(data, at, end)) {
        corrupt('wrong block checksum');
      }
      at = hasChecksums ? end + 4 : end;
    }
    const hasContentChecksum = (this.#flags & FLAG_CONTENT_CHECKSUM) !== 0;
    if (hasContentChecksum && data.length - at < 8) corrupt('the frame is cut short');
    if (this.#contentBytes >= 0 && this.#contentBytes !== length) {
      corrupt(`${length} bytes where ${this.#contentBytes} were announced`);
    }
    return { length, end: hasContentChecksum ? at + 8 : at + 4 };
  }

  /**
   * What the blocks can make at most. Walks their heads, so that afterwards every block, its
   * checksum and the end mark are known to lie inside the data.
   */
  outputBound(): number {
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
