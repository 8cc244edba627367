// A copy of a compacted partition as it lies on the disk of a broker that was stopped: what a
// reader of committed records would be handed if this broker led, so that the promises about the
// last value of every key can be held against each replica.

import { decodeRecords } from '../../src/protocol/index.ts';
import type { KeyedContents, KeyedLedger, Update } from './keyed-ledger.ts';
import { batchesOf, outcomesOf, type StoredLog } from './stored-logs.ts';

/** Up to that offset, which is the last stable one: every transaction before it has ended. */
export function keyedContentsOf(
  log: StoredLog,
  endOffset: number,
  ledger: KeyedLedger,
): KeyedContents {
  const { topic, partition } = log;
  const batches = batchesOf(log);
  const outcomes = outcomesOf(batches);
  const updates: Update[] = [];
  for (const batch of batches) {
    const { header, bytes } = batch;
    if (header.isControl || header.recordCount === 0) continue;
    if (header.isTransactional && outcomes.get(batch)?.isCommit !== true) continue;
    for (const record of decodeRecords(bytes, { ...header, position: 0 })) {
      if (record.offset < endOffset)
        updates.push(ledger.recognise({ ...record, topic, partition }));
    }
  }
  return { topic, partition, updates };
}
