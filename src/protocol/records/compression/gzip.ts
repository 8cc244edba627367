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
