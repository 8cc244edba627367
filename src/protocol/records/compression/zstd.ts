// zstd: node:zlib's own where it has it (Node.js 22.15 and later), WebAssembly elsewhere. The
// outline of the data is checked first, so that both only ever see complete frames.

import * as zlib from 'node:zlib';

import { KafkaError } from '../../errors.ts';
import { zstdOutline } from './zstd-frame.ts';
import { compressZstdWasm, decompressZstdWasm } from './zstd-wasm.ts';

interface NativeZstd {
  zstdCompressSync(data: Buffer, options: { params: Record<number, number> }): Buffer;
  zstdDecompressSync(data: Buffer, options: { maxOutputLength: number }): Buffer;
}

const native =
  'zstdCompressSync' in zlib && 'zstdDecompressSync' in zlib
    ? (zlib as unknown as NativeZstd)
    : null;

/** ZSTD_c_compressionLevel. */
const LEVEL_PARAMETER = 100;
/** Kafka's default, which is also zstd's. */
const LEVEL_DEFAULT = 3;

export function compressZstd(data: Buffer, level = LEVEL_DEFAULT): Buffer {
  if (native === null) return compressZstdWasm(data, level);
  return native.zstdCompressSync(data, { params: { [LEVEL_PARAMETER]: level } });
}

export function decompressZstd(data: Buffer, sizeBytesMax: number): Buffer {
  const outline = zstdOutline(data);
  if (outline.isExact && outline.boundBytes > sizeBytesMax) {
    throw new KafkaError('MESSAGE_TOO_LARGE', `zstd: ${outline.boundBytes} bytes`);
  }
  if (outline.boundBytes === 0) return Buffer.alloc(0);
  if (native === null) return decompressZstdWasm(data, outline, sizeBytesMax);
  try {
    return native.zstdDecompressSync(data, { maxOutputLength: Math.max(1, sizeBytesMax) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new KafkaError('MESSAGE_TOO_LARGE', `zstd: more than ${sizeBytesMax} bytes`);
    }
    throw new KafkaError('CORRUPT_MESSAGE', `zstd: ${(error as Error).message}`);
  }
}
