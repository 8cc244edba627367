// Whether batches still belong into the segment that is written to.

import { type BatchHeader, KafkaError } from '../../protocol/index.ts';
import { segmentMsOf } from '../log/log-config.ts';
import type { LogState } from '../log/log-state.ts';

const INT32_MAX = 0x7fff_ffff;

/** @throws KafkaError RECORD_LIST_TOO_LARGE or OFFSET_OUT_OF_RANGE if no segment takes them */
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
