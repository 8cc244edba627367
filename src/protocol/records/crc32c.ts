// CRC-32C (Castagnoli), the checksum of record batches. A native implementation is about eight
// times faster on large buffers, but a call into it costs more than a small buffer does in
// JavaScript: small ones and machines without the native package use the tables here.

import { createRequire } from 'node:module';

import { crcTables, updateCrc } from './crc-tables.ts';

type NativeCrc = (input: Uint8Array, initialState?: number) => number;

const CASTAGNOLI_REVERSED = 0x82f6_3b78;

/** Below this many bytes the tables win over a native call (docs/decisions/0001). */
const NATIVE_BYTES_MIN = 192;

const tables = crcTables(CASTAGNOLI_REVERSED);

/**
 * Loading the native library takes milliseconds and megabytes: what a broker writes until it is
 * ready is not worth it.
 */
const BYTES_BEFORE_NATIVE = 16 * 1024;

let bytesBeforeNative = 0;
let native: NativeCrc | null | undefined;

/**
 * The CRC-32C of `buffer` from `start` up to `end`. With `seed`, the CRC of what came before,
 * the result is the CRC of both parts together.
 */
export function crc32c(buffer: Uint8Array, start = 0, end = buffer.length, seed = 0): number {
  if (end - start >= NATIVE_BYTES_MIN && isNativeWorthIt(end - start)) {
    const isWhole = start === 0 && end === buffer.length;
    return (native as NativeCrc)(isWhole ? buffer : buffer.subarray(start, end), seed);
  }
  return updateCrc(tables, buffer, start, end, seed);
}

function isNativeWorthIt(sizeBytes: number): boolean {
  if (native !== undefined) return native !== null;
  bytesBeforeNative += sizeBytes;
  return bytesBeforeNative >= BYTES_BEFORE_NATIVE && hasNativeCrc32c();
}

/** Whether the native implementation could be loaded, which the first call tries. */
export function hasNativeCrc32c(): boolean {
  if (native === undefined) native = loadNative();
  return native !== null;
}

/** The same in JavaScript only, whatever the size. */
export function crc32cPortable(
  buffer: Uint8Array,
  start = 0,
  end = buffer.length,
  seed = 0,
): number {
  return updateCrc(tables, buffer, start, end, seed);
}

function loadNative(): NativeCrc | null {
  try {
    // A bundle in CommonJS has no import.meta.url.
    const require = createRequire(import.meta.url ?? __filename);
    return (require('@node-rs/crc32') as { crc32c: NativeCrc }).crc32c;
  } catch {
    // An optional accelerator: programs without it compute the same in tables.
    return null;
  }
}
