// The aborted transactions of a segment whose .txnindex is damaged, from the batches: which are
// aborted its markers say, where each began the producers' state at its beginning.
//
// Invariant: an index that is torn, or holds what no index can hold, is not read: readers of
// committed records would be shown aborted ones. (Kafka's format has no checksum: a bit that turns
// one possible entry into another is not seen.)

import { type Disk, IoError } from '../../io/index.ts';
import { type ProducerReplay, replayBatch, replayProducers } from '../producers/producer-replay.ts';
import { ProducerStates } from '../producers/producer-states.ts';
import { TRANSACTION_INDEX_SUFFIX } from '../segment/log-files.ts';
import type { Segment } from '../segment/segment.ts';
import {
  type AbortedTransactionEntry,
  decodeTransactionIndex,
  TRANSACTION_ENTRY_BYTES,
} from '../segment/transaction-index.ts';
import { walkAcross } from './log-damage.ts';

/** @param endOffset the segment's */
export function isTransactionIndexWhole(disk: Disk, segment: Segment, endOffset: number): boolean {
  const bytes = readIndex(disk, segment.pathOf(TRANSACTION_INDEX_SUFFIX));
  if (bytes === null) return false;
  const entries = decodeTransactionIndex(bytes);
  if (entries.length * TRANSACTION_ENTRY_BYTES !== bytes.length) return false;
  let before: AbortedTransactionEntry | null = null;
  for (const entry of entries) {
    const { producerId, firstOffset, lastOffset, lastStableOffset } = entry;
    const isPossible =
      producerId >= 0 &&
      producerId <= Number.MAX_SAFE_INTEGER &&
      firstOffset >= 0 &&
      lastOffset >= segment.baseOffset &&
      lastOffset < endOffset &&
      lastStableOffset <= lastOffset + 1 &&
      lastOffset > (before?.lastOffset ?? -1) &&
      lastStableOffset >= (before?.lastStableOffset ?? 0);
    if (!isPossible) return false;
    before = entry;
  }
  return true;
}

function readIndex(disk: Disk, path: string): Buffer | null {
  try {
    return disk.readFile(path);
  } catch (error) {
    if (error instanceof IoError && error.code === 'EISDIR') return null;
    throw error;
  }
}

export async function rebuildTransactionIndex(
  segment: Segment,
  before: Omit<ProducerReplay, 'producers'>,
): Promise<void> {
  const producers = new ProducerStates();
  await replayProducers({ ...before, producers });
  const found: AbortedTransactionEntry[] = [];
  await walkAcross(segment, { from: 0, end: segment.sizeBytes }, ({ header, buffer }) => {
    if (header.producerId < 0) return true;
    for (const entry of replayBatch(producers, buffer, header, before.nowMs)) found.push(entry);
    return true;
  });
  segment.replaceAborted(found);
}
