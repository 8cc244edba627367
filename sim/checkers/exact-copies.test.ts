// exact-copies.ts: what it lets pass, what it refuses, and a planted bug that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupCoordinator } from '../../src/coordinator/index.ts';
import type { TransactionLoadPlan } from '../scenarios/transaction-run.ts';
import { runTransactions } from '../scenarios/transactions.ts';
import { assertCopiedOnce } from './exact-copies.ts';
import { contentsOf } from './fixture.ts';
import { firstFailure, withPatch } from './planted-bugs.ts';

const input = contentsOf([0, 1, 2]);
const copies = (...numbers: number[]) => {
  return { ...contentsOf([]), sources: numbers.map((number) => `p t 0 ${number}`) };
};

test('every record is copied once, in its order, sooner or later', () => {
  assertCopiedOnce(input, copies(0, 1, 2), { isComplete: true });
  assertCopiedOnce(input, copies(0, 1), { isComplete: false });
  const late = () => assertCopiedOnce(input, copies(0, 1), { isComplete: true });
  assert.throws(late, /"p t 0 2" was never copied/);
});

test('what is copied twice, left out or overtaken is refused', () => {
  const check = (...numbers: number[]) => {
    return () => assertCopiedOnce(input, copies(...numbers), { isComplete: false });
  };
  assert.throws(check(0, 0), /"p t 0 0" is copied twice/);
  assert.throws(check(0, 2), /"p t 0 2" comes where "p t 0 1" was due/);
  assert.throws(check(1, 0), /"p t 0 1" comes where "p t 0 0" was due/);
});

/** With copiers, who abort now and then; what is not copied soon is not copied later either. */
function withCopiers(plan: TransactionLoadPlan): TransactionLoadPlan {
  const copier = {
    kind: 'copier',
    name: 'copier-9',
    transactionalId: 'copies-9',
    transactionTimeoutMs: 4_000,
    slowChance: 0,
    abortChance: 0.5,
  } as const;
  const settledMsMax = 30_000;
  const writers = plan.clients.filter(({ kind }) => kind === 'writer');
  return { ...plan, clients: [...writers, copier], checks: ['copies'], settledMsMax };
}

test('offsets that are committed although their transaction was aborted are caught', async () => {
  const { writeTransactionMarker } = GroupCoordinator.prototype;
  const bug: Partial<GroupCoordinator> = {
    writeTransactionMarker(this: GroupCoordinator, partitionIndex, marker) {
      return writeTransactionMarker.call(this, partitionIndex, { ...marker, isCommit: true });
    },
  };
  const failure = await withPatch(GroupCoordinator.prototype, bug, () =>
    firstFailure((world) => runTransactions(world, 'kill', withCopiers), 10, 3),
  );
  assert.match(String(failure), /comes where|was never copied/);
});
