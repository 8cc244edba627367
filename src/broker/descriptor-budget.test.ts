// Connections and files share what the process may have open.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DescriptorBudget } from './descriptor-budget.ts';

test('files give way to connections, and neither takes the last descriptor', () => {
  for (const limit of [64, 256, 1024, 4096, 20_000]) {
    const budget = new DescriptorBudget(limit);
    assert.ok(budget.socketsMax >= limit / 8, `${limit}: ${budget.socketsMax}`);
    for (const sockets of [0, 1, budget.socketsMax]) {
      const files = budget.filesBeside(sockets);
      assert.ok(files >= 4 && files <= 1024);
      assert.ok(sockets + files <= limit - 48, `${limit}: ${sockets} and ${files}`);
    }
  }
});

test('where the system tells no limit there is none for connections', () => {
  const budget = new DescriptorBudget(Number.POSITIVE_INFINITY);
  assert.equal(budget.socketsMax, Number.POSITIVE_INFINITY);
  assert.equal(budget.filesBeside(100_000), 1024);
});
