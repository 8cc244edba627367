// gzip by node:zlib, which checks sizes and checksums itself.

import { gunzipSync, gzipSync } from 'node:zlib';

import { KafkaError } from '../../errors.ts';

export function compressGzip(data: Buffer, level = -1): Buffer {
  return gzipSync(data, { level });
}

export function decompressGzip(data: Buffer, sizeBytesMax: number): Buffer {
  try {
    return gunzipSync(data, { maxOutputLength: Math.max(1, sizeBytesMax) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new KafkaError('MESSAGE_TOO_LARGE', `more than ${sizeBytesMax} bytes of gzip data`);
    }
    throw new KafkaError('CORRUPT_MESSAGE', `gzip: ${(error as Error).message}`);
  }
}

/** Deflate makes at most this much of a byte. */
const EXPANSION_MAX = 1032;
/** Ten bytes of header, at least two of deflate, eight of trailer. */
const MEMBER_BYTES_MIN = 20;

/**
 * The unpacked data, or null if it is more than `sizeBytesMax`. Of what is more, the beginning was
 * unpacked, and its trailer tells a size that is possible: nothing else can be told.
 *
 * @throws KafkaError CORRUPT_MESSAGE
 */
export function gunzipIfSmall(data: Buffer, sizeBytesMax: number): Buffer | null {
  try {
    return decompressGzip(data, sizeBytesMax);
  } catch (error) {
    if (!(error instanceof KafkaError && error.errorName === 'MESSAGE_TOO_LARGE')) throw error;
  }
  const size = data.length < MEMBER_BYTES_MIN ? -1 : data.readUInt32LE(data.length - 4);
  if (size <= sizeBytesMax || size > data.length * EXPANSION_MAX) {
    throw new KafkaError('CORRUPT_MESSAGE', `gzip: it ends with a size of ${size}`);
  }
  return null;
}
