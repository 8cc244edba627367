// Rebuilds the producers' state as of an offset: the latest snapshot at or before it, then the
// batches in between.

import { type BatchHeader, KafkaError } from '../../protocol/index.ts';
import { walkAcross } from '../recovery/log-damage.ts';
import type { Segment } from '../segment/segment.ts';
import type { AbortedTransactionEntry } from '../segment/transaction-index.ts';
import type { ProducerSnapshots } from './producer-snapshots.ts';
import type { ProducerStates } from './producer-states.ts';

export interface ProducerReplay {
  readonly producers: ProducerStates;
  readonly snapshots: ProducerSnapshots;
  readonly segments: readonly Segment[];
  readonly logStartOffset: number;
  /** The state covers every batch before it; a batch boundary. */
  readonly endOffset: number;
  readonly nowMs: number;
  readonly expirationMs: number;
}

export async function replayProducers(replay: ProducerReplay): Promise<void> {
  const { producers, segments, endOffset } = replay;
  const snapshot = await replay.snapshots.loadLatest(endOffset);
  if (snapshot === null) producers.clear();
  else producers.restore(snapshot.entries, replay.nowMs, replay.expirationMs);
  // Records that were deleted since may be there, and among them the end of what was open then.
  const from = snapshot?.offset ?? replay.logStartOffset;
  for (const [at, segment] of segments.entries()) {
    const next = segments[at + 1]?.baseOffset ?? Number.POSITIVE_INFINITY;
    if (next <= from || segment.baseOffset >= endOffset || from >= endOffset) continue;
    const arrivedMs = lastWrittenMs(segment, replay);
    const start = segment.tryLoadIndexes()?.offsets.lookup(from) ?? 0;
    const range = { from: start, end: segment.sizeBytes };
    await walkAcross(segment, range, ({ header, buffer }) => {
      if (header.baseOffset >= endOffset) return false;
      if (header.producerId >= 0 && header.baseOffset >= from) {
        // The aborted transactions found here are in the segment's index already.
        replayBatch(producers, buffer, header, arrivedMs);
      }
      return true;
    });
  }
}

/** When the batches of a segment came is not in them; none came later than the file was written. */
export function lastWrittenMs(segment: Segment, { nowMs }: Pick<ProducerReplay, 'nowMs'>): number {
  return Math.min(segment.modifiedMs ?? nowMs, nowMs);
}

/**
 * One batch that is in the log. Returns what the transaction index must learn. Damage may have
 * taken what a batch goes on from (the end of a transaction): then its producer begins anew.
 */
export function replayBatch(
  producers: ProducerStates,
  buffer: Buffer,
  header: BatchHeader,
  arrivedMs: number,
): AbortedTransactionEntry[] {
  try {
    return applyBatch(producers, buffer, header, arrivedMs);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
  }
  producers.forget(header.producerId);
  try {
    return applyBatch(producers, buffer, header, arrivedMs);
  } catch (error) {
    // The batch itself is damaged: a reader finds that out.
    if (error instanceof KafkaError) return [];
    throw error;
  }
}

function applyBatch(
  producers: ProducerStates,
  buffer: Buffer,
  header: BatchHeader,
  arrivedMs: number,
): AbortedTransactionEntry[] {
  const updates = producers.prepare('replication', arrivedMs);
  updates.append(buffer, header);
  return producers.commit(updates);
}
