// When a transaction has taken too long, also by clocks that do not agree.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestMachine } from '../../../tests/doubles/coordinator/transaction-machine.ts';
import { timedOutTransactions } from './expire-transactions.ts';

function begun(timeoutMs: number): TestMachine {
  const at = new TestMachine();
  at.init({ timeoutMs });
  at.add();
  return at;
}

test('a transaction is timed out when it is open for longer than its timeout', () => {
  const at = begun(500);
  at.nowMs += 500;
  assert.deepEqual(timedOutTransactions(at.machine), []);
  at.nowMs += 1;
  assert.deepEqual(timedOutTransactions(at.machine), ['tx']);
  at.end();
  assert.deepEqual(timedOutTransactions(at.machine), []);
});

test('one that began in the future, by more than its timeout, is not open until then', () => {
  const at = begun(500);
  at.nowMs -= 500;
  assert.deepEqual(timedOutTransactions(at.machine), []);
  at.nowMs -= 1;
  assert.deepEqual(timedOutTransactions(at.machine), ['tx']);
});
