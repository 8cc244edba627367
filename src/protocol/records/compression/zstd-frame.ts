// What can be known of zstd data without decompressing it: that its frames and blocks are
// complete, and how much they can make. Java's stream writes frames that do not say their size,
// so the blocks are what bounds the memory that decompression needs.

import { KafkaError } from '../../errors.ts';

const FRAME_MAGIC = 0xfd2f_b528;
const SKIPPABLE_MAGIC = 0x184d_2a50;
const BLOCK_BYTES_MAX = 128 * 1024;
/** Readers refuse a larger one unless they are told otherwise, and nobody tells Kafka's. */
const KAFKA_WINDOW_BYTES_MAX = 128 * 1024 * 1024;
const DICTIONARY_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const RLE_BLOCK = 1;
const COMPRESSED_BLOCK = 2;

export interface ZstdOutline {
  /** Decompressing gives at most this, and exactly this if `isExact`. */
  readonly boundBytes: number;
  readonly isExact: boolean;
  /** The largest window of a frame: what reading it as a stream has to keep. */
  readonly windowBytes: number;
}

/** @throws KafkaError CORRUPT_MESSAGE when a frame is malformed or cut short */
export function zstdOutline(data: Buffer): ZstdOutline {
  if (data.length === 0) corrupt('no frame');
  let boundBytes = 0;
  let isExact = true;
  let windowBytes = 0;
  let at = 0;
  while (at < data.length) {
    if (data.length - at < 5) corrupt('a frame is cut short');
    const magic = data.readUInt32LE(at);
    if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) {
      if (data.length - at < 8) corrupt('a frame is cut short');
      at += 8 + data.readUInt32LE(at + 4);
      if (at > data.length) corrupt('a frame is cut short');
      continue;
    }
    if (magic !== FRAME_MAGIC) corrupt('no frame');
    const frame = frameOutline(data, at);
    boundBytes += frame.boundBytes;
    isExact &&= frame.isExact;
    windowBytes = Math.max(windowBytes, frame.windowBytes);
    at = frame.end;
  }
  return { boundBytes, isExact, windowBytes };
}

/**
 * Checks that Kafka can read the data, as far as its outline tells. Answers what unpacking it gives
 * at most; null if that is more than `sizeBytesMax`. Java's frames do not say it: of a single small
 * block it is taken to be a few times its size, and at worst the 128 KiB that a block may have.
 *
 * @throws KafkaError CORRUPT_MESSAGE
 */
export function checkZstd(data: Buffer, sizeBytesMax: number): number | null {
  const { boundBytes, isExact, windowBytes } = zstdOutline(data);
  if (windowBytes > KAFKA_WINDOW_BYTES_MAX) corrupt(`a window of ${windowBytes} bytes`);
  if (boundBytes <= sizeBytesMax) return sizeBytesMax;
  const isSmallBlock = boundBytes <= BLOCK_BYTES_MAX && data.length <= sizeBytesMax / 3;
  return !isExact && isSmallBlock ? BLOCK_BYTES_MAX : null;
}

function frameOutline(data: Buffer, start: number): ZstdOutline & { end: number } {
  const descriptor = data[start + 4] as number;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSizeFlag = descriptor >>> 6;
  const dictionaryBytes = DICTIONARY_BYTES[descriptor & 3] as number;
  const contentSizeBytes =
    contentSizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[contentSizeFlag] as number);
  let at = start + 5;
  if (data.length - at < (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes) {
    corrupt('a frame is cut short');
  }
  if ((descriptor & 0x08) !== 0) corrupt('a reserved bit');
  let windowBytes = 0;
  if (!isSingleSegment) {
    const exponent = (data[at] as number) >>> 3;
    windowBytes = 2 ** (10 + exponent) * (1 + ((data[at] as number) & 7) / 8);
    at++;
  }
  if (dictionaryBytes > 0 && data.readUIntLE(at, dictionaryBytes) !== 0) {
    corrupt('the frame needs a dictionary');
  }
  at += dictionaryBytes;
  const contentBytes = contentSizeBytes === 0 ? -1 : contentSizeAt(data, at, contentSizeBytes);
  at += contentSizeBytes;
  if (isSingleSegment) windowBytes = contentBytes < 0 ? Number.MAX_SAFE_INTEGER : contentBytes;

  const blockBytesMax = Math.min(windowBytes, BLOCK_BYTES_MAX);
  let boundBytes = 0;
  for (let isLast = false; !isLast; ) {
    if (data.length - at < 3) corrupt('a block is cut short');
    const head = data.readUIntLE(at, 3);
    isLast = (head & 1) === 1;
    const kind = (head >>> 1) & 3;
    const size = head >>> 3;
    if (kind > COMPRESSED_BLOCK) corrupt('a block of unknown kind');
    if (size > blockBytesMax) corrupt('a block is larger than the window');
    boundBytes += kind === COMPRESSED_BLOCK ? blockBytesMax : size;
    const start = at + 3;
    at = start + (kind === RLE_BLOCK ? 1 : size);
    if (at > data.length) corrupt('a block is cut short');
    if (kind === COMPRESSED_BLOCK) checkBlock(data, start, at);
  }
  if ((descriptor & 4) !== 0) at += 4;
  if (at > data.length) corrupt('a frame is cut short');
  if (contentBytes > boundBytes) corrupt(`a length of ${contentBytes} is impossible`);
  const isExact = contentBytes >= 0;
  return { boundBytes: isExact ? contentBytes : boundBytes, isExact, windowBytes, end: at };
}

/** A compressed block begins with literals and goes on with a count of sequences. */
function checkBlock(data: Buffer, start: number, end: number): void {
  const sequences = literalsEnd(data, start, end);
  if (sequences >= end) corrupt('the literals of a block are cut short');
  const count = data[sequences] as number;
  if (count === 0) {
    if (sequences + 1 !== end) corrupt('bytes behind the literals of a block');
    return;
  }
  const modes = sequences + (count < 128 ? 1 : count < 255 ? 2 : 3);
  if (modes >= end || ((data[modes] as number) & 3) !== 0) corrupt('impossible sequences');
}

function literalsEnd(data: Buffer, start: number, end: number): number {
  if (end - start < 2) corrupt('a block is cut short');
  const first = data[start] as number;
  const format = (first >>> 2) & 3;
  if ((first & 2) === 0) {
    // Raw, or one byte that repeats.
    const headBytes = (format & 1) === 0 ? 1 : format === 1 ? 2 : 3;
    if (headBytes >= end - start) corrupt('the literals of a block are cut short');
    const size = data.readUIntLE(start, headBytes) >>> (headBytes === 1 ? 3 : 4);
    if (size > BLOCK_BYTES_MAX) corrupt('the literals of a block are too long');
    return start + headBytes + ((first & 1) === 0 ? size : 1);
  }
  const headBytes = format < 2 ? 3 : format + 2;
  if (headBytes >= end - start) corrupt('the literals of a block are cut short');
  const head = data.readUIntLE(start, headBytes);
  const sizeScale = 2 ** (format < 2 ? 10 : format === 2 ? 14 : 18);
  const sizes = Math.floor(head / 16);
  if (sizes % sizeScale > BLOCK_BYTES_MAX) corrupt('the literals of a block are too long');
  return start + headBytes + Math.floor(sizes / sizeScale);
}

/** -1: unknown, also where a frame says so with all bits set. */
function contentSizeAt(data: Buffer, at: number, sizeBytes: number): number {
  if (sizeBytes === 8) {
    const low = data.readUInt32LE(at);
    const high = data.readUInt32LE(at + 4);
    return (low & high) >>> 0 === 0xffff_ffff ? -1 : low + high * 0x1_0000_0000;
  }
  return data.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
}

function corrupt(what: string): never {
  throw new KafkaError('CORRUPT_MESSAGE', `zstd: ${what}`);
}
