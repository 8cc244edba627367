// committed-reads.ts: what it lets pass, what it refuses, and planted bugs that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransactionCoordinator } from '../../src/coordinator/index.ts';
import { KafkaError } from '../../src/protocol/index.ts';
import { type LogRead, PartitionLog } from '../../src/storage/index.ts';
import type { ClientPlan } from '../scenarios/transaction-plan.ts';
import type { TransactionLoadPlan } from '../scenarios/transaction-run.ts';
import { runTransactions } from '../scenarios/transactions.ts';
import { CommittedReads } from './committed-reads.ts';
import type { StoredRecord } from './partition-contents.ts';
import { firstFailure, withPatch } from './planted-bugs.ts';
import { TransactionLedger } from './transaction-ledger.ts';

const place = { topic: 't', partition: 0 };

function committed(count: number): { reads: CommittedReads; records: StoredRecord[] } {
  const ledger = new TransactionLedger();
  const session = ledger.openSession('p');
  session.begin();
  const records = Array.from({ length: count }, (_, index) => {
    return { ...session.next(place), offset: 2 * index, timestamp: 0 };
  });
  session.onCommit();
  session.onCommitted();
  return { reads: new CommittedReads(ledger), records };
}

const contentsOf = (records: readonly StoredRecord[]) => {
  return { ...place, startOffset: 0, endOffset: 100, records };
};

test('a record is shown once its commit was asked for, and not if it was aborted', () => {
  const ledger = new TransactionLedger();
  const session = ledger.openSession('p');
  const reads = new CommittedReads(ledger);
  session.begin();
  const record = { ...session.next(place), offset: 0, timestamp: 0 };
  assert.throws(
    () => reads.onRecord('a', record),
    /nobody asked for the commit of p transaction 0/,
  );
  session.onCommit();
  reads.onRecord('a', record);
  session.onAborted();
  assert.throws(() => reads.onRecord('b', record), /p transaction 0 was aborted/);
});

test('what was shown stays, and nothing becomes visible behind a reader', () => {
  const { reads, records } = committed(3);
  for (const record of records.slice(0, 2)) reads.onRecord('a', record);
  reads.assertSameAs(contentsOf(records));
  reads.assertSameAs(contentsOf(records.slice(0, 2)));
  assert.throws(() => reads.assertSameAs(contentsOf(records.slice(1))), /a was shown "p t 0 0"/);
  assert.throws(() => reads.onRecord('a', records[0] as StoredRecord), /although it is at 3/);
  const { reads: late, records: all } = committed(3);
  late.onRecord('a', all[2] as StoredRecord);
  assert.throws(() => late.assertSameAs(contentsOf(all)), /"p t 0 0" is at the end/);
});

const only = (plan: TransactionLoadPlan): TransactionLoadPlan => {
  return { ...plan, checks: ['isolation'] };
};

test('a last stable offset that is not heeded is caught', async () => {
  const bug: Partial<PartitionLog> = {
    lastStableOffsetBelow: (highWatermark) => highWatermark,
  };
  const failure = await withPatch(PartitionLog.prototype, bug, () =>
    firstFailure((world) => runTransactions(world, 'kill', only), 10),
  );
  assert.match(String(failure), /is shown ".*nobody asked for the commit/);
});

test('aborted transactions that readers are not told of are caught', async () => {
  const { read } = PartitionLog.prototype;
  const silent = (found: LogRead): LogRead => {
    return { ...found, abortedTransactions: found.abortedTransactions === null ? null : [] };
  };
  const bug: Partial<PartitionLog> = {
    read(this: PartitionLog, ...asked) {
      const reading = read.apply(this, asked);
      return reading instanceof Promise ? reading.then(silent) : silent(reading);
    },
  };
  const failure = await withPatch(PartitionLog.prototype, bug, () =>
    firstFailure((world) => runTransactions(world, 'kill', only), 10, 2),
  );
  assert.match(String(failure), /is shown ".*(was aborted|nobody asked for the commit)/);
});

test('a coordinator that lets producers write who were fenced is caught', async () => {
  const { addPartitions } = TransactionCoordinator.prototype;
  const bug: Partial<TransactionCoordinator> = {
    async addPartitions(this: TransactionCoordinator, request) {
      try {
        return await addPartitions.call(this, request);
      } catch (error) {
        const isFenced = error instanceof KafkaError && error.errorName === 'PRODUCER_FENCED';
        if (!isFenced) throw error;
        return [];
      }
    },
  };
  // Two producers fence each other all the time, and begin again.
  const shared = (plan: TransactionLoadPlan): TransactionLoadPlan => {
    const [writer] = plan.clients as [ClientPlan];
    const rival = { ...writer, name: 'rival-1', slowChance: 0.5 };
    const clients = [{ ...writer, slowChance: 0.5 }, rival];
    return { ...only(plan), clients, churnMsMean: 200, transactionVersion: 2 };
  };
  const failure = await withPatch(TransactionCoordinator.prototype, bug, () =>
    firstFailure((world) => runTransactions(world, 'network', shared), 10, 2),
  );
  assert.match(String(failure), /is shown ".*(was aborted|nobody asked for the commit)/);
});
