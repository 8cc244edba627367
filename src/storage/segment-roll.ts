// Whether batches still belong into the segment that is written to.

import { type BatchHeader, KafkaError } from '../protocol/index.ts';
import { segmentMsOf } from './log-config.ts';
import type { LogState } from './log-state.ts';

/** @throws KafkaError RECORD_LIST_TOO_LARGE if no segment takes them */
export function needsNewSegment(
  log: LogState,
  bytes: Buffer,
  batches: readonly BatchHeader[],
): boolean {
  const { active, config, io } = log;
  if (bytes.length > config.segmentBytesMax) {
    throw new KafkaError(
      'RECORD_LIST_TOO_LARGE',
      `${bytes.length} bytes of batches do not fit segment.bytes=${config.segmentBytesMax}`,
    );
  }
  let maxTimestamp = -1;
  for (const batch of batches) maxTimestamp = Math.max(maxTimestamp, batch.maxTimestamp);
  const { lastOffset } = batches.at(-1) as BatchHeader;
  const nowMs = segmentMsOf(config) === Number.MAX_SAFE_INTEGER ? 0 : io.clock.now();
  return active.shouldRoll({ sizeBytes: bytes.length, lastOffset, maxTimestamp, nowMs }, config);
}
