// keyed-copies.ts: what a reader of a copy would be handed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBatch, encodeEndTransactionMarker } from '../../src/protocol/index.ts';
import { FileSystem } from '../file-system.ts';
import { keyedContentsOf } from './keyed-copies.ts';
import { KeyedLedger, recordOfUpdate, type Update } from './keyed-ledger.ts';
import { type StoredLog, storedLogs } from './stored-logs.ts';

const place = { topic: 't', partition: 0 };

/** The update in a batch of its own, in the transaction of that producer, or in none. */
function batchOf(update: Update, baseOffset: number, producerId = -1): Buffer {
  const records = [{ ...recordOfUpdate(update), timestamp: update.timestamp }];
  const identity = { producerId, producerEpoch: producerId < 0 ? -1 : 0, baseSequence: 0 };
  return encodeBatch({ records, baseOffset, ...identity, isTransactional: producerId >= 0 });
}

function markerOf(isCommit: boolean, baseOffset: number, producerId: number): Buffer {
  const by = { coordinatorEpoch: 0, producerId, producerEpoch: 0, timestamp: 1 };
  return encodeEndTransactionMarker({ ...by, isCommit, baseOffset });
}

function logOf(batches: readonly Buffer[]): StoredLog {
  const files = new FileSystem();
  files.makeDirectory('/data', 0);
  files.makeDirectory('/data/t-0', 0);
  files.write(files.openFile('/data/t-0/00000000000000000000.log', false, 0), batches, 0);
  return storedLogs(files, ['/data']).get('t-0') as StoredLog;
}

test('what was committed, and what is in no transaction, is read up to the end', () => {
  const ledger = new KeyedLedger();
  const [alone, committed, aborted, last] = Array.from({ length: 4 }, () =>
    ledger.next(place, 'k', { isTombstone: false, timestamp: 1 }),
  ) as [Update, Update, Update, Update];
  const log = logOf([
    batchOf(alone, 0),
    batchOf(aborted, 1, 8),
    batchOf(committed, 2, 7),
    markerOf(true, 3, 7),
    markerOf(false, 4, 8),
    batchOf(last, 5),
  ]);
  assert.deepEqual(keyedContentsOf(log, 6, ledger).updates, [alone, committed, last]);
  assert.deepEqual(keyedContentsOf(log, 5, ledger).updates, [alone, committed]);
});

test('what nobody sent is refused', () => {
  const ledger = new KeyedLedger();
  const other = new KeyedLedger().next(place, 'k', { isTombstone: false, timestamp: 1 });
  const log = logOf([batchOf(other, 0)]);
  assert.throws(() => keyedContentsOf(log, 1, ledger), /was never sent/);
});
