// The leader epochs of a log whose leader-epoch-checkpoint is lost, from the batches: every batch
// names its epoch, and epochs do not go back, so that only segments in which a new one begins are
// read as a whole.

import { KafkaError, RECORD_BATCH_OVERHEAD, readBatchHeader } from '../../protocol/index.ts';
import type { LeaderEpochCache } from '../log/leader-epoch-cache.ts';
import type { Segment } from '../segment/segment.ts';
import { walkAcross } from './log-damage.ts';

/** @param count how many of the segments are read; the others are scanned anyway */
export async function rebuildEpochs(
  epochs: LeaderEpochCache,
  segments: readonly Segment[],
  count: number,
): Promise<void> {
  for (const [at, segment] of segments.slice(0, count).entries()) {
    if (segment.sizeBytes === 0) continue;
    const next = segments.slice(at + 1).find(({ sizeBytes }) => sizeBytes > 0);
    const first = firstEpoch(segment);
    const isOfOne = next !== undefined && first !== null && first === firstEpoch(next);
    if (!isOfOne) await readEpochs(epochs, segment);
    else if (first > epochs.latestEpoch) epochs.assign(first, segment.baseOffset);
    segment.log.close();
  }
}

/** null if the first batch is damaged. */
function firstEpoch(segment: Segment): number | null {
  const header = Buffer.alloc(RECORD_BATCH_OVERHEAD);
  try {
    const bytes = segment.log.readSync(header, 0);
    return readBatchHeader(header.subarray(0, bytes), 0).partitionLeaderEpoch;
  } catch (error) {
    if (error instanceof KafkaError) return null;
    throw error;
  }
}

async function readEpochs(epochs: LeaderEpochCache, segment: Segment): Promise<void> {
  // One that is larger than those behind it is a bit that flipped: the CRC does not cover it.
  let pending: { epoch: number; baseOffset: number } | null = null;
  const range = { from: 0, end: segment.sizeBytes };
  await walkAcross(segment, range, ({ header }) => {
    const { partitionLeaderEpoch: epoch, baseOffset } = header;
    if (pending !== null && pending.epoch <= epoch) {
      epochs.assign(pending.epoch, pending.baseOffset);
    }
    pending = epoch > epochs.latestEpoch ? { epoch, baseOffset } : null;
    return true;
  });
  const last = pending as { epoch: number; baseOffset: number } | null;
  if (last !== null) epochs.assign(last.epoch, last.baseOffset);
}
