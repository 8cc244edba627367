// Snappy as Kafka has it. Java's clients frame it as snappy-java's stream does: a header of 16
// bytes, then blocks, each behind its length. Other clients write a bare block. Java reads both
// and writes the frames, so we do.

import { KafkaError } from '../../errors.ts';
import { keepFirst, scratch } from './scratch.ts';
import {
  checkSnappyBlock,
  readSnappyBlock,
  snappyBlockLength,
  snappyBoundBytes,
  writeSnappyBlock,
} from './snappy.ts';

const MAGIC = Buffer.from('82534e4150505900', 'hex');
const VERSION = 1;
const COMPATIBLE_VERSION = 1;
const HEADER_BYTES = 16;
/** What snappy-java's stream writes; readers allocate it. */
const BLOCK_BYTES = 32 * 1024;

export function compressSnappy(data: Buffer): Buffer {
  const blocks = Math.ceil(data.length / BLOCK_BYTES);
  const output = scratch(
    HEADER_BYTES + blocks * (4 + snappyBoundBytes(Math.min(data.length, BLOCK_BYTES))),
  );
  MAGIC.copy(output);
  output.writeInt32BE(VERSION, 8);
  output.writeInt32BE(COMPATIBLE_VERSION, 12);
  let at = HEADER_BYTES;
  for (let start = 0; start < data.length; start += BLOCK_BYTES) {
    const end = Math.min(data.length, start + BLOCK_BYTES);
    const blockEnd = writeSnappyBlock(data, start, end, output, at + 4);
    output.writeInt32BE(blockEnd - at - 4, at);
    at = blockEnd;
  }
  return keepFirst(output, at);
}

export function decompressSnappy(data: Buffer, sizeBytesMax: number): Buffer {
  if (!isHeaderAt(data, 0)) {
    const output = Buffer.allocUnsafe(
      checked(snappyBlockLength(data, 0, data.length), sizeBytesMax),
    );
    readSnappyBlock(data, 0, data.length, output, 0);
    return output;
  }
  const output = Buffer.allocUnsafe(checked(framedLength(data), sizeBytesMax));
  let position = 0;
  eachBlock(data, (start, end) => {
    position = readSnappyBlock(data, start, end, output, position);
  });
  return output;
}

/**
 * Checks the data without unpacking it if that would give more than `sizeBytesMax`, which is when
 * the answer is false; a true one says only that the claimed length is possible.
 *
 * @throws KafkaError CORRUPT_MESSAGE
 */
export function checkSnappy(data: Buffer, sizeBytesMax: number): boolean {
  const isFramed = isHeaderAt(data, 0);
  const length = isFramed ? framedLength(data) : snappyBlockLength(data, 0, data.length);
  if (length <= sizeBytesMax) return true;
  if (isFramed) eachBlock(data, (start, end) => checkSnappyBlock(data, start, end));
  else checkSnappyBlock(data, 0, data.length);
  return false;
}

function framedLength(data: Buffer): number {
  let length = 0;
  eachBlock(data, (start, end) => {
    length += snappyBlockLength(data, start, end);
  });
  return length;
}

function isHeaderAt(data: Buffer, at: number): boolean {
  return data.length - at >= HEADER_BYTES && data.compare(MAGIC, 0, 8, at, at + 8) === 0;
}

/**
 * Visits the blocks of framed data. As in Java, another header may come between them, and what is
 * too short for a length at the end is nothing.
 */
function eachBlock(data: Buffer, visit: (start: number, end: number) => void): void {
  for (let at = HEADER_BYTES; data.length - at >= 4; ) {
    if (isHeaderAt(data, at)) {
      at += HEADER_BYTES;
      continue;
    }
    const size = data.readInt32BE(at);
    const start = at + 4;
    if (size < 0 || size > data.length - start) {
      throw new KafkaError('CORRUPT_MESSAGE', 'snappy: a block is cut short');
    }
    at = start + size;
    visit(start, at);
  }
}

function checked(length: number, sizeBytesMax: number): number {
  if (length <= sizeBytesMax) return length;
  throw new KafkaError('MESSAGE_TOO_LARGE', `snappy: more than ${sizeBytesMax} bytes`);
}
