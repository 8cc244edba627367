// The first open transaction, against a sorted list.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { OpenTransactions } from './open-transactions.ts';

test('the first of the open transactions is known, whichever ended', () => {
  const prng = new Prng(3);
  const open = new OpenTransactions();
  const expected: number[] = [];
  for (let offset = 0; offset < 20_000; offset++) {
    if (prng.chance(0.5)) {
      open.add(offset);
      expected.push(offset);
    } else if (expected.length > 0) {
      const at = prng.chance(0.5) ? 0 : prng.int(expected.length);
      const [ended] = expected.splice(at, 1);
      assert.equal(open.delete(ended as number), true);
      assert.equal(open.delete(ended as number), false);
    }
    assert.equal(open.first, expected[0] ?? null);
    assert.equal(open.size, expected.length);
  }
  open.clear();
  assert.equal(open.first, null);
});
