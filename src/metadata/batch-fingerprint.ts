// The fingerprint of a batch of the metadata log: offsets, epoch, controller, time and checksum,
// with colons between.
//
// Invariant: equal ones are of equal logs up to that batch: whoever appended it had read what is
// before it, and no two appends at one offset have all of that in common. A store of which an older
// copy was put back, and which has grown since, has others there.

import { crc32c, KafkaError } from '../protocol/index.ts';
import type { BatchFingerprint, ClusterStore, StoreBatch } from './cluster-store.ts';

export function fingerprintOf(batch: StoreBatch): BatchFingerprint {
  const { baseOffset, endOffset, controllerEpoch, controllerId, timestampMs, records } = batch;
  const crc = records.reduce((seed, each) => crc32c(each, 0, each.length, seed), 0);
  const numbers = [baseOffset, endOffset, controllerEpoch, controllerId, timestampMs];
  return `${numbers.join(':')}:${crc.toString(16)}`;
}

/** Of what was read from a file or a store; null: it is none. */
export function asFingerprint(text: string | null | undefined): BatchFingerprint | null {
  return text != null && /^\d+:\d+(:-?\d+){3}:[0-9a-f]+$/.test(text) ? text : null;
}

export function baseOffsetOf(fingerprint: BatchFingerprint): number {
  return Number(fingerprint.split(':', 1)[0]);
}

/** Whether the log has the batch; null: it no longer reaches back that far, and nobody can tell. */
export async function hasBatch(
  log: Pick<ClusterStore, 'read' | 'newestSnapshot'>,
  fingerprint: BatchFingerprint,
): Promise<boolean | null> {
  try {
    for await (const batch of log.read(baseOffsetOf(fingerprint))) {
      return fingerprintOf(batch) === fingerprint;
    }
    return false;
  } catch (error) {
    if (!(error instanceof KafkaError) || error.errorName !== 'OFFSET_OUT_OF_RANGE') throw error;
    const snapshot = await log.newestSnapshot();
    return snapshot?.lastBatch === fingerprint ? true : null;
  }
}
