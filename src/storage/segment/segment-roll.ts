// Which segment batches go to: whether they still belong into the one that is written to.

import { type BatchHeader, batchHeaders, KafkaError } from '../../protocol/index.ts';
import { type LogConfig, segmentMsOf } from '../log/log-config.ts';
import type { LogState } from '../log/log-state.ts';

const INT32_MAX = 0x7fff_ffff;

/** What a client sends must fit a segment. @throws KafkaError RECORD_LIST_TOO_LARGE */
export function assertFitsSegment(bytes: Buffer, { segmentBytesMax }: LogConfig): void {
  if (bytes.length <= segmentBytesMax) return;
  throw new KafkaError(
    'RECORD_LIST_TOO_LARGE',
    `${bytes.length} bytes of batches do not fit segment.bytes=${segmentBytesMax}`,
  );
}

export interface BatchesOfSegment {
  readonly bytes: Buffer;
  readonly batches: readonly BatchHeader[];
}

/**
 * What another replica has, in parts that fit a segment each. A batch that alone is larger than
 * segment.bytes, which may have been another number when its leader took it, has one of its own.
 */
export function partsOfSegments(
  records: Buffer,
  batches: readonly BatchHeader[],
  { segmentBytesMax }: LogConfig,
): BatchesOfSegment[] {
  if (records.length <= segmentBytesMax) return [{ bytes: records, batches }];
  const parts: BatchesOfSegment[] = [];
  let start = 0;
  for (const [at, { position, sizeBytes }] of batches.entries()) {
    const end = position + sizeBytes;
    const next = batches[at + 1];
    if (next !== undefined && end + next.sizeBytes - start <= segmentBytesMax) continue;
    const bytes = records.subarray(start, end);
    parts.push({ bytes, batches: [...batchHeaders(bytes)] });
    start = end;
  }
  return parts;
}

/** @throws KafkaError OFFSET_OUT_OF_RANGE if no segment takes them */
export function needsNewSegment(
  log: LogState,
  bytes: Buffer,
  batches: readonly BatchHeader[],
): boolean {
  const { active, config, io } = log;
  let maxTimestamp = -1;
  for (const batch of batches) maxTimestamp = Math.max(maxTimestamp, batch.maxTimestamp);
  const { lastOffset } = batches.at(-1) as BatchHeader;
  // Compaction leaves gaps of any size, and a new segment begins where the log ends.
  if (lastOffset - log.logEndOffset > INT32_MAX) {
    throw new KafkaError(
      'OFFSET_OUT_OF_RANGE',
      `a segment that begins at offset ${log.logEndOffset} does not reach to ${lastOffset}`,
    );
  }
  const nowMs = segmentMsOf(config) === Number.MAX_SAFE_INTEGER ? 0 : io.clock.now();
  return active.shouldRoll({ sizeBytes: bytes.length, lastOffset, maxTimestamp, nowMs }, config);
}
