// A cleaner's walk over the batches of a segment: large reads into one buffer, a visit of every
// batch, pauses in between. Unlike a reader it trusts nothing: what it writes anew gets a new
// checksum, so that a bit that flipped must be found here or never.

import {
  type BatchHeader,
  batchSizeAt,
  isBatchCrcValid,
  KafkaError,
  RECORD_BATCH_OVERHEAD,
  readBatchHeader,
} from '../../protocol/index.ts';
import type { Segment } from '../segment/segment.ts';
import type { CleaningPace } from './cleaning-pace.ts';

export interface SegmentVisit {
  /** False ends the walk. The buffer is valid until `onWindowEnd` returned. */
  readonly onBatch: (buffer: Buffer, header: BatchHeader) => boolean;
  /** Everything in the buffer was visited; bytes that it wrote count as work, too. */
  readonly onWindowEnd?: () => number;
}

/** One buffer for all reads of a cleaning; a batch that is larger makes it grow. */
export class ReadBuffer {
  readonly #usualBytes: number;
  #bytes: Buffer;

  constructor(sizeBytes: number) {
    this.#usualBytes = Math.max(sizeBytes, RECORD_BATCH_OVERHEAD);
    this.#bytes = Buffer.allocUnsafeSlow(this.#usualBytes);
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  growTo(sizeBytes: number): void {
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes);
  }

  shrink(): void {
    if (this.#bytes.length > this.#usualBytes) this.growTo(this.#usualBytes);
  }
}

/**
 * Visits the batches from the position, which is a batch's, to the end of the segment.
 *
 * @throws KafkaError CORRUPT_MESSAGE
 */
export async function readSegment(
  segment: Segment,
  from: { readonly position: number; readonly buffer: ReadBuffer },
  pace: CleaningPace,
  visit: SegmentVisit,
): Promise<void> {
  const { buffer } = from;
  const end = segment.sizeBytes;
  let position = from.position;
  while (position < end) {
    const wanted = buffer.bytes.subarray(0, Math.min(buffer.bytes.length, end - position));
    const window = wanted.subarray(0, await segment.log.read(wanted, position));
    pace.beginSlice();
    pace.assertGoing();
    const seen = await visitWindow({ segment, window, position }, pace, visit);
    const writtenBytes = visit.onWindowEnd?.() ?? 0;
    if (seen.isOver) return;
    await pace.throttle(window.length + writtenBytes);
    position += seen.bytes;
    if (seen.bytes > 0) {
      buffer.shrink();
      continue;
    }
    const sizeBytes = batchSizeAt(window, 0);
    if (sizeBytes === null || sizeBytes > end - position || sizeBytes <= window.length) {
      corrupt(segment, position, 'it is cut short');
    }
    buffer.growTo(sizeBytes);
  }
}

async function visitWindow(
  place: { segment: Segment; window: Buffer; position: number },
  pace: CleaningPace,
  visit: SegmentVisit,
): Promise<{ bytes: number; isOver: boolean }> {
  const { segment, window, position } = place;
  let bytes = 0;
  while (window.length - bytes >= RECORD_BATCH_OVERHEAD) {
    const header = readBatchHeader(window, bytes);
    if (header.sizeBytes > window.length - bytes) break;
    if (!isBatchCrcValid(window, header)) corrupt(segment, position + bytes, 'its CRC is wrong');
    bytes += header.sizeBytes;
    if (!visit.onBatch(window, header)) return { bytes, isOver: true };
    if (pace.isRestDue) await pace.rest();
  }
  return { bytes, isOver: false };
}

function corrupt(segment: Segment, position: number, what: string): never {
  throw new KafkaError(
    'CORRUPT_MESSAGE',
    `the batch at position ${position} of ${segment.log.path} cannot be cleaned: ${what}`,
  );
}
