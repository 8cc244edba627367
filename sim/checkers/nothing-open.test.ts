// nothing-open.ts: what it lets pass, what it refuses, and a planted bug that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Partition } from '../../src/replication/index.ts';
import type { TransactionLoadPlan } from '../scenarios/transaction-run.ts';
import { runTransactions } from '../scenarios/transactions.ts';
import { assertNothingOpen } from './nothing-open.ts';
import { firstFailure, withPatch } from './planted-bugs.ts';

test('a partition is stable up to its end', () => {
  const place = { topic: 't', partition: 0 };
  assertNothingOpen([{ ...place, lastStableOffset: 7, highWatermark: 7 }]);
  const open = { ...place, lastStableOffset: 3, highWatermark: 7 };
  assert.throws(() => assertNothingOpen([open]), /t-0 is stable up to 3 of 7/);
});

test('a marker that is dropped for one topic is caught', async () => {
  const only = (plan: TransactionLoadPlan): TransactionLoadPlan => {
    return { ...plan, checks: ['progress'] };
  };
  const { appendTransactionMarker } = Partition.prototype;
  const bug: Partial<Partition> = {
    appendTransactionMarker(this: Partition, marker) {
      const { logEndOffset } = this;
      if (this.topic !== 'other') return appendTransactionMarker.call(this, marker);
      const lastOffset = logEndOffset - 1;
      return { lastOffset } as ReturnType<typeof appendTransactionMarker>;
    },
  };
  const failure = await withPatch(Partition.prototype, bug, () =>
    firstFailure((world) => runTransactions(world, 'kill', only), 5),
  );
  assert.match(String(failure), /a transaction is open for ever: other-/);
});
