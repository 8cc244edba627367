// What can be known of zstd data without decompressing it: that its frames and blocks are
// complete, and how much they can make. Java's stream writes frames that do not say their size,
// so the blocks are what bounds the memory that decompression needs.

import { KafkaError } from '../../errors.ts';

const FRAME_MAGIC = 0xfd2f_b528;
const SKIPPABLE_MAGIC = 0x184d_2a50;
const BLOCK_BYTES_MAX = 128 * 1024;
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
  let windowBytes = 0;
  if (!isSingleSegment) {
    const exponent = (data[at] as number) >>> 3;
    windowBytes = 2 ** (10 + exponent) * (1 + ((data[at] as number) & 7) / 8);
    at++;
  }
  at += dictionaryBytes;
  const contentBytes = contentSizeBytes === 0 ? -1 : contentSizeAt(data, at, contentSizeBytes);
  at += contentSizeBytes;
  if (isSingleSegment) windowBytes = contentBytes;

  const blockBytesMax = Math.min(windowBytes, BLOCK_BYTES_MAX);
  let boundBytes = 0;
  for (let isLast = false; !isLast; ) {
    if (data.length - at < 3) corrupt('a block is cut short');
    const head = data.readUIntLE(at, 3);
    isLast = (head & 1) === 1;
    const kind = (head >>> 1) & 3;
    const size = head >>> 3;
    if (kind > COMPRESSED_BLOCK) corrupt('a block of unknown kind');
    boundBytes += kind === COMPRESSED_BLOCK ? blockBytesMax : size;
    at += 3 + (kind === RLE_BLOCK ? 1 : size);
    if (at > data.length) corrupt('a block is cut short');
  }
  if ((descriptor & 4) !== 0) at += 4;
  if (at > data.length) corrupt('a frame is cut short');
  if (contentBytes > boundBytes) corrupt(`a length of ${contentBytes} is impossible`);
  const isExact = contentBytes >= 0;
  return { boundBytes: isExact ? contentBytes : boundBytes, isExact, windowBytes, end: at };
}

function contentSizeAt(data: Buffer, at: number, sizeBytes: number): number {
  if (sizeBytes === 8) return data.readUInt32LE(at) + data.readUInt32LE(at + 4) * 0x1_0000_0000;
  return data.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
}

function corrupt(what: string): never {
  throw new KafkaError('CORRUPT_MESSAGE', `zstd: ${what}`);
}
