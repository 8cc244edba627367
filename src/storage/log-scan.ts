// A walk over the batches of a segment file in large reads, for recovery and for lookups. It stops
// at the first bytes that cannot be a batch and says what is wrong with them.

import { assert } from '../base/assert.ts';
import {
  type BatchHeader,
  batchSizeAt,
  KafkaError,
  RECORD_BATCH_OVERHEAD,
  readBatchHeader,
} from '../protocol/index.ts';
import type { PooledFile } from './open-files.ts';

const READ_BYTES = 1024 * 1024;

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
    buffer = Buffer.allocUnsafe(sizeBytes);
  }
  return { position, problem: null };
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
