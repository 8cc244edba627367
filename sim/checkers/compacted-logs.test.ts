// compacted-logs.ts: what it lets pass, what it refuses, and a planted bug that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCompaction } from '../scenarios/compaction.ts';
import type { CompactionPlan } from '../scenarios/compaction-run.ts';
import { assertCompacted } from './compacted-logs.ts';
import { KeyedLedger } from './keyed-ledger.ts';
import { firstFailure } from './planted-bugs.ts';

const place = { topic: 't', partition: 0 };

test('a key is there once in a log that is compacted', () => {
  const ledger = new KeyedLedger();
  const update = (key: string) => ledger.next(place, key, { isTombstone: false, timestamp: 0 });
  const updates = [update('a'), update('b'), update('a')];
  assertCompacted({ ...place, updates: updates.slice(0, 2) });
  assert.throws(() => assertCompacted({ ...place, updates }), /update 0 of "a" is never compacted/);
});

test('a cleaner that never comes to work is caught', async () => {
  const idle = (plan: CompactionPlan): CompactionPlan => ({
    ...plan,
    config: { ...plan.config, 'log.cleaner.threads': '0' },
    checks: ['compacted'],
  });
  const failure = await firstFailure((world) => runCompaction(world, 'kill', idle), 3);
  assert.match(String(failure), /is never compacted away/);
});
