// Table-driven CRC-32, eight bytes a step ("slicing by 8"), for any reflected polynomial.

/** Eight tables of 256 entries, one after the other. */
export function crcTables(reversedPolynomial: number): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1) === 1 ? (crc >>> 1) ^ reversedPolynomial : crc >>> 1;
    }
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256] as number;
    tables[at] = (before >>> 8) ^ (tables[before & 0xff] as number);
  }
  return tables;
}

/** Continues the CRC `seed` over the bytes from `start` up to `end`. */
export function updateCrc(
  tables: Int32Array,
  buffer: Uint8Array,
  start: number,
  end: number,
  seed = 0,
): number {
  let crc = ~seed;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    crc ^=
      (buffer[at] as number) |
      ((buffer[at + 1] as number) << 8) |
      ((buffer[at + 2] as number) << 16) |
      ((buffer[at + 3] as number) << 24);
    crc =
      (tables[1792 + (crc & 0xff)] as number) ^
      (tables[1536 + ((crc >>> 8) & 0xff)] as number) ^
      (tables[1280 + ((crc >>> 16) & 0xff)] as number) ^
      (tables[1024 + (crc >>> 24)] as number) ^
      (tables[768 + (buffer[at + 4] as number)] as number) ^
      (tables[512 + (buffer[at + 5] as number)] as number) ^
      (tables[256 + (buffer[at + 6] as number)] as number) ^
      (tables[buffer[at + 7] as number] as number);
  }
  for (; at < end; at++) {
    crc = (crc >>> 8) ^ (tables[(crc ^ (buffer[at] as number)) & 0xff] as number);
  }
  return ~crc >>> 0;
}
