// Snappy as Kafka has it. Java's clients frame it as snappy-java's stream does: a header of 16
// bytes, then blocks, each behind its length. Other clients write a bare block. Java reads both
// and writes the frames, so we do.

import { KafkaError } from '../../errors.ts';
import { keepFirst, scratch } from './scratch.ts';
import {
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
  const isFramed = data.length >= HEADER_BYTES && data.subarray(0, 8).equals(MAGIC);
  if (!isFramed) {
    const output = Buffer.allocUnsafe(
      checked(snappyBlockLength(data, 0, data.length), sizeBytesMax),
    );
    readSnappyBlock(data, 0, data.length, output, 0);
    return output;
  }
  let length = 0;
  for (let at = HEADER_BYTES; at < data.length; ) {
    const end = blockEndAt(data, at);
    length = checked(length + snappyBlockLength(data, at + 4, end), sizeBytesMax);
    at = end;
  }
  const output = Buffer.allocUnsafe(length);
  let position = 0;
  for (let at = HEADER_BYTES; at < data.length; ) {
    const end = blockEndAt(data, at);
    position = readSnappyBlock(data, at + 4, end, output, position);
    at = end;
  }
  return output;
}

function blockEndAt(data: Buffer, at: number): number {
  const left = data.length - at - 4;
  const size = left < 0 ? -1 : data.readInt32BE(at);
  if (size < 0 || size > left) {
    throw new KafkaError('CORRUPT_MESSAGE', 'snappy: a block is cut short');
  }
  return at + 4 + size;
}

function checked(length: number, sizeBytesMax: number): number {
  if (length <= sizeBytesMax) return length;
  throw new KafkaError('MESSAGE_TOO_LARGE', `snappy: more than ${sizeBytesMax} bytes`);
}
