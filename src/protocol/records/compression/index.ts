// Compression of record batches, one codec a file:
//   gzip.ts     node:zlib
//   snappy.ts   the block format; xerial.ts the framing that Java puts around it
//   lz4-block.ts, lz4-frame.ts, xxhash32.ts; matches.ts is what snappy and lz4 share
//   zstd.ts     node:zlib where it has zstd, zstd-wasm.ts elsewhere; zstd-frame.ts
//   scratch.ts  where they write before they know how much it is
// All are synchronous. Invariant: malformed input gives KafkaError CORRUPT_MESSAGE, and no input
// makes decompression take more memory than a small multiple of the limit given.

import { KafkaError } from '../../errors.ts';
import type { CompressionCodec } from '../batch-header.ts';
import { compressGzip, decompressGzip, gunzipIfSmall } from './gzip.ts';
import { checkLz4, compressLz4, decompressLz4 } from './lz4-frame.ts';
import { checkSnappy, compressSnappy, decompressSnappy } from './xerial.ts';
import { compressZstd, decompressZstd } from './zstd.ts';
import { checkZstd } from './zstd-frame.ts';

export const compressionByName: Readonly<Record<string, CompressionCodec>> = {
  none: 0,
  uncompressed: 0,
  gzip: 1,
  snappy: 2,
  lz4: 3,
  zstd: 4,
};

export const compressionNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/**
 * `level` is for gzip (1 to 9) and zstd (-131072 to 22). The lz4 and snappy here have one effort.
 */
export function compress(codec: CompressionCodec, data: Buffer, level?: number): Buffer {
  switch (codec) {
    case 0:
      return data;
    case 1:
      return compressGzip(data, level);
    case 2:
      return compressSnappy(data);
    case 3:
      return compressLz4(data);
    case 4:
      return compressZstd(data, level);
    default:
      throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', `compression ${codec as number}`);
  }
}

/**
 * @throws KafkaError CORRUPT_MESSAGE for malformed data, MESSAGE_TOO_LARGE for more than
 *   `sizeBytesMax`
 */
export function decompress(codec: CompressionCodec, data: Buffer, sizeBytesMax: number): Buffer {
  switch (codec) {
    case 0:
      return data;
    case 1:
      return decompressGzip(data, sizeBytesMax);
    case 2:
      return decompressSnappy(data, sizeBytesMax);
    case 3:
      return decompressLz4(data, sizeBytesMax);
    case 4:
      return decompressZstd(data, sizeBytesMax);
    default:
      throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', `compression ${codec as number}`);
  }
}

/**
 * Checks data that others sent by the rules of Kafka's readers, which are narrower than those of
 * `decompress`, and unpacks it if it is not more than `sizeBytesMax`; null if it is. Then nothing
 * that a walk over frames, blocks and (lz4, snappy) their insides can find is wrong with it.
 *
 * @throws KafkaError CORRUPT_MESSAGE
 */
export function unpackIfSmall(
  codec: CompressionCodec,
  data: Buffer,
  sizeBytesMax: number,
): Buffer | null {
  switch (codec) {
    case 0:
      return data;
    case 1:
      return gunzipIfSmall(data, sizeBytesMax);
    case 2:
      return checkSnappy(data, sizeBytesMax) ? decompressSnappy(data, sizeBytesMax) : null;
    case 3:
      return checkLz4(data, sizeBytesMax) ? decompressLz4(data, sizeBytesMax) : null;
    case 4: {
      const bound = checkZstd(data, sizeBytesMax);
      return bound === null ? null : decompressZstd(data, bound);
    }
    default:
      throw new KafkaError('CORRUPT_MESSAGE', `compression ${codec as number}`);
  }
}
