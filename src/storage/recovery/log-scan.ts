// A walk over the batches of a segment file in large reads, for recovery and for lookups. It stops
// at the first bytes that cannot be a batch and says what is wrong with them. Invariant: what the
// bytes say of themselves is believed only as far as the file reaches, and memory for a batch of
// uncommon size is taken only when its CRC says that it is one.

import { assert } from '../../base/assert.ts';
import {
  type BatchHeader,
  batchSizeAt,
  crc32c,
  KafkaError,
  RECORD_BATCH_OVERHEAD,
  readBatchHeader,
} from '../../protocol/index.ts';
import type { PooledFile } from '../files/open-files.ts';

const READ_BYTES = 1024 * 1024;
/** Larger batches are read only once their CRC was found to be right. */
export const COMMON_BYTES_MAX = 16 * 1024 * 1024;
const INT32_MAX = 0x7fff_ffff;
/** Of a header: where what the CRC covers begins. */
const CRC_COVERS_FROM = 21;

export interface ScannedBatch {
  /** The header's position is the one in `buffer`. */
  readonly header: BatchHeader;
  /** Valid until the callback returns. */
  readonly buffer: Buffer;
  /** Position of the batch in the file. */
  readonly position: number;
}

export interface ScanRange {
  /** Start of a batch. */
  readonly from: number;
  /** Nothing at or behind this position is read. */
  readonly end: number;
}

export interface ScanEnd {
  /** Behind the last whole batch that was seen. */
  readonly position: number;
  /** null if all of the range was seen, or the visitor stopped. */
  readonly problem: string | null;
}

/** Visits whole batches in order until the visitor answers false or says what is wrong. */
export async function scanBatches(
  file: PooledFile,
  range: ScanRange,
  visit: (batch: ScannedBatch) => boolean | string,
): Promise<ScanEnd> {
  let position = range.from;
  let buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(0, range.end - range.from)));
  while (position < range.end) {
    const wanted = Math.min(buffer.length, range.end - position);
    const window = buffer.subarray(0, await file.read(buffer.subarray(0, wanted), position));
    const seen = visitWindow(window, position, visit);
    position += seen.bytes;
    if (seen.verdict !== true) {
      return { position, problem: seen.verdict === false ? null : seen.verdict };
    }
    if (seen.bytes > 0 && position < range.end) continue;
    if (position >= range.end) break;
    // Not one whole batch: a large one, or the end of what was written.
    const sizeBytes = batchSizeAt(window, 0);
    if (sizeBytes === null || window.length < RECORD_BATCH_OVERHEAD) {
      return { position, problem: 'a batch header is cut short' };
    }
    if (sizeBytes > range.end - position || window.length < wanted) {
      return { position, problem: `a batch of ${sizeBytes} bytes is cut short` };
    }
    assert(sizeBytes > buffer.length, 'a batch that fits the buffer is seen');
    const isLarge = sizeBytes > COMMON_BYTES_MAX;
    if (isLarge && !(await isCrcValidInFile(file, position, readBatchHeader(window, 0)))) {
      return { position, problem: `a batch of ${sizeBytes} bytes has a wrong CRC` };
    }
    buffer = Buffer.allocUnsafe(sizeBytes);
  }
  return { position, problem: null };
}

/** As isBatchCrcValid(), for a batch that is not in memory: piece by piece. */
export async function isCrcValidInFile(
  file: PooledFile,
  position: number,
  { sizeBytes, crc }: Pick<BatchHeader, 'sizeBytes' | 'crc'>,
): Promise<boolean> {
  const end = position + sizeBytes;
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, sizeBytes));
  let sum = 0;
  for (let at = position + CRC_COVERS_FROM; at < end; ) {
    const bytes = await file.read(buffer.subarray(0, Math.min(buffer.length, end - at)), at);
    if (bytes === 0) return false;
    sum = crc32c(buffer, 0, bytes, sum);
    at += bytes;
  }
  return sum === crc;
}

/** The header of a batch, as far as the bytes make sense as one. */
export function headerOrNull(buffer: Buffer, position = 0): BatchHeader | null {
  try {
    return readBatchHeader(buffer, position);
  } catch (error) {
    if (error instanceof KafkaError) return null;
    throw error;
  }
}

/**
 * Why the batch cannot be where it is, in a segment of the base offset, behind batches that end at
 * the offset; null if it can. The CRC does not cover a batch's offset.
 */
export function offsetProblem(
  { baseOffset, lastOffset }: Pick<BatchHeader, 'baseOffset' | 'lastOffset'>,
  segmentBase: number,
  end: number,
): string | null {
  if (baseOffset < end) return `offset ${baseOffset} is out of order`;
  const isWithin = lastOffset - segmentBase <= INT32_MAX && lastOffset < Number.MAX_SAFE_INTEGER;
  return isWithin ? null : `offset ${lastOffset} is too large for the segment`;
}

function visitWindow(
  window: Buffer,
  position: number,
  visit: (batch: ScannedBatch) => boolean | string,
): { bytes: number; verdict: boolean | string } {
  let bytes = 0;
  while (window.length - bytes >= RECORD_BATCH_OVERHEAD) {
    let header: BatchHeader;
    try {
      header = readBatchHeader(window, bytes);
    } catch (error) {
      if (error instanceof KafkaError) return { bytes, verdict: error.message };
      throw error;
    }
    if (header.sizeBytes > window.length - bytes) break;
    const verdict = visit({ header, buffer: window, position: position + bytes });
    if (verdict !== true) return { bytes, verdict };
    bytes += header.sizeBytes;
  }
  return { bytes, verdict: true };
}
