// CRC-32 as in zip and gzip, the checksum of messages before record batches. Only old clients
// make us compute it, so that JavaScript is fast enough.

import { crcTables, updateCrc } from './crc-tables.ts';

const ZIP_REVERSED = 0xedb8_8320;

let tables: Int32Array | undefined;

export function crc32(buffer: Uint8Array, start = 0, end = buffer.length): number {
  tables ??= crcTables(ZIP_REVERSED);
  return updateCrc(tables, buffer, start, end);
}
