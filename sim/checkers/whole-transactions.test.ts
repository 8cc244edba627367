// whole-transactions.ts: what it lets pass, what it refuses, and planted bugs that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransactionCoordinator } from '../../src/coordinator/index.ts';
import { Partition } from '../../src/replication/index.ts';
import { ProducerStates } from '../../src/storage/producers/producer-states.ts';
import type { TransactionLoadPlan } from '../scenarios/transaction-run.ts';
import { runTransactions } from '../scenarios/transactions.ts';
import type { PartitionContents } from './partition-contents.ts';
import { firstFailure, withPatch } from './planted-bugs.ts';
import type { RecordIdentity } from './record-identity.ts';
import { TransactionLedger } from './transaction-ledger.ts';
import { assertWholeOrAbsent } from './whole-transactions.ts';

const places = [0, 1].map((partition) => ({ topic: 't', partition }));

const only = (plan: TransactionLoadPlan): TransactionLoadPlan => ({
  ...plan,
  checks: ['atomicity'],
});

/** One transaction with a record in each of the two partitions, and how it ended. */
function ledgerOf(end: 'open' | 'asked' | 'committed' | 'aborted'): {
  ledger: TransactionLedger;
  records: readonly RecordIdentity[];
} {
  const ledger = new TransactionLedger();
  const session = ledger.openSession('p');
  session.begin();
  const records = places.map((place) => session.next(place));
  if (end === 'asked' || end === 'committed') session.onCommit();
  if (end === 'committed') session.onCommitted();
  if (end === 'aborted') session.onAborted();
  return { ledger, records };
}

function contentsOf(records: readonly RecordIdentity[]): PartitionContents[] {
  return places.map((place) => {
    const own = records.filter(({ partition }) => partition === place.partition);
    const stored = own.map((record, offset) => ({ ...record, offset, timestamp: 0 }));
    return { ...place, startOffset: 0, endOffset: stored.length, records: stored };
  });
}

test('what was committed is there as a whole', () => {
  const { ledger, records } = ledgerOf('committed');
  assertWholeOrAbsent(ledger, contentsOf(records));
  const some = contentsOf(records.slice(1));
  assert.throws(
    () => assertWholeOrAbsent(ledger, some),
    /has 1 of 2 records: "p t 0 0" is missing/,
  );
  assert.throws(() => assertWholeOrAbsent(ledger, contentsOf([])), /has 0 of 2 records/);
});

test('what was aborted, or never committed, is not there', () => {
  for (const [end, why] of [
    ['aborted', /was aborted, and shows 1 of 2/],
    ['open', /was never committed, and shows 1 of 2/],
  ] as const) {
    const { ledger, records } = ledgerOf(end);
    assertWholeOrAbsent(ledger, contentsOf([]));
    assert.throws(() => assertWholeOrAbsent(ledger, contentsOf(records.slice(1))), why);
  }
});

test('a commit without an answer has all or nothing', () => {
  const { ledger, records } = ledgerOf('asked');
  assertWholeOrAbsent(ledger, contentsOf([]));
  assertWholeOrAbsent(ledger, contentsOf(records));
  const some = contentsOf(records.slice(1));
  assert.throws(() => assertWholeOrAbsent(ledger, some), /is there in part: 1 of 2/);
});

test('a record is there once, and was sent', () => {
  const { ledger, records } = ledgerOf('committed');
  const twice = contentsOf([...records, ...records]);
  assert.throws(() => assertWholeOrAbsent(ledger, twice), /is there twice/);
  const foreign = { producer: 'q', topic: 't', partition: 0, number: 0 };
  const more = contentsOf([...records, foreign]);
  assert.throws(() => assertWholeOrAbsent(ledger, more), /"q t 0 0" was never sent/);
});

test('a marker that says the wrong thing in one topic is caught', async () => {
  const { appendTransactionMarker } = Partition.prototype;
  const lie: Partial<Partition> = {
    appendTransactionMarker(this: Partition, marker) {
      const isLie = this.topic === 'other' && marker.isCommit;
      return appendTransactionMarker.call(this, isLie ? { ...marker, isCommit: false } : marker);
    },
  };
  const failure = await withPatch(Partition.prototype, lie, () =>
    firstFailure((world) => runTransactions(world, 'kill', only), 10),
  );
  assert.match(String(failure), /was committed, and has|is there in part/);
});

test('a coordinator that answers a commit that never reaches its log is caught', async () => {
  const { endTxn } = TransactionCoordinator.prototype;
  let count = 0;
  const bug: Partial<TransactionCoordinator> = {
    async endTxn(this: TransactionCoordinator, request) {
      const { producerId, producerEpoch, isCommit } = request;
      if (isCommit && ++count % 5 === 0) return { producerId, producerEpoch };
      return await endTxn.call(this, request);
    },
  };
  // In the first protocol nobody misses the new epoch.
  const run = (plan: TransactionLoadPlan) => ({ ...only(plan), transactionVersion: 1 as const });
  const failure = await withPatch(TransactionCoordinator.prototype, bug, () =>
    firstFailure((world) => runTransactions(world, 'kill', run), 10, 4),
  );
  assert.match(String(failure), /was committed, and has|is there in part/);
});

test('a last stable offset that is one too far after a recovery is caught', async () => {
  const { restore } = ProducerStates.prototype;
  const bug: Partial<ProducerStates> = {
    restore(this: ProducerStates, entries, nowMs, expirationMs) {
      const late = entries.map((entry) => {
        const { currentTxnFirstOffset: first } = entry;
        return first < 0 ? entry : { ...entry, currentTxnFirstOffset: first + 1 };
      });
      restore.call(this, late, nowMs, expirationMs);
    },
  };
  const failure = await withPatch(ProducerStates.prototype, bug, () =>
    firstFailure((world) => runTransactions(world, 'kill'), 20, 3),
  );
  // Its first record is shown: of one that is aborted then, or of one that is open.
  assert.match(String(failure), /was aborted, and shows|is there in part/);
});
