// What there is to see of transactions, and of which.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOr, TestMachine } from '../../../tests/doubles/coordinator/transaction-machine.ts';
import {
  describeTransaction,
  listTransactions,
  type TransactionFilter,
} from './transaction-views.ts';

function listing(at: TestMachine, filter: Partial<TransactionFilter> = {}): string[] | string {
  const all = { states: [], producerIds: [], durationMs: -1, idPattern: null };
  return errorOr(() => {
    const listed = listTransactions(at.machine, { ...all, ...filter });
    return listed.map(({ transactionalId, state }) => `${transactionalId} ${state}`).sort();
  });
}

test('transactions are listed by state, producer and age', () => {
  const at = new TestMachine();
  at.begin();
  assert.deepEqual(listing(at), ['tx Ongoing']);
  assert.deepEqual(listing(at, { states: ['Ongoing', 'Empty'] }), ['tx Ongoing']);
  assert.deepEqual(listing(at, { states: ['Empty'] }), []);
  assert.deepEqual(listing(at, { states: ['NoState'] }), []);
  assert.deepEqual(listing(at, { producerIds: [4000] }), ['tx Ongoing']);
  assert.deepEqual(listing(at, { producerIds: [4001] }), []);
  at.nowMs += 1000;
  assert.deepEqual(listing(at, { durationMs: 999 }), ['tx Ongoing']);
  assert.deepEqual(listing(at, { durationMs: 1000 }), []);
});

test('transactions are listed whose whole id matches an expression', () => {
  const at = new TestMachine();
  at.begin();
  for (const transactionalId of ['app-1', 'app-2']) {
    const records = [{ transactionalId, transaction: { ...at.known, transactionalId } }];
    at.decide({ records, response: undefined });
  }
  assert.deepEqual(listing(at, { idPattern: 'app-.' }), ['app-1 Ongoing', 'app-2 Ongoing']);
  assert.deepEqual(listing(at, { idPattern: 'app' }), []);
  assert.deepEqual(listing(at, { idPattern: '' }), listing(at));
  assert.equal(listing(at, { idPattern: '(' }), 'INVALID_REGULAR_EXPRESSION');
  const large = 'a{1000}'.repeat(500);
  assert.equal(listing(at, { idPattern: large }), 'INVALID_REGULAR_EXPRESSION');
});

test('a transaction is described by its id', () => {
  const at = new TestMachine();
  at.begin();
  assert.equal(describeTransaction(at.machine, 'tx'), at.known);
  assert.equal(
    errorOr(() => describeTransaction(at.machine, 'u')),
    'TRANSACTIONAL_ID_NOT_FOUND',
  );
});
