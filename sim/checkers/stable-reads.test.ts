// stable-reads.ts: what it lets pass, what it refuses, and a planted bug that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadPlan } from '../scenarios/load-run.ts';
import { runPowerCut } from '../scenarios/power-cut.ts';
import { contentsOf, place } from './fixture.ts';
import { firstFailure } from './planted-bugs.ts';
import { StableReads } from './stable-reads.ts';

const record = (offset: number, number = offset) => {
  return { ...place, producer: 'p', number, offset, timestamp: 0 };
};

test('an offset has one record for all readers', () => {
  const reads = new StableReads();
  reads.onRecord('a', record(0));
  reads.onRecord('b', record(0));
  assert.throws(() => reads.onRecord('c', record(0, 7)), /offset 0 was "p t 0 0"/);
});

test('a reader is not sent back, and misses nothing unless it may be deleted', () => {
  const reads = new StableReads();
  reads.onRecord('a', record(0));
  assert.throws(() => reads.onRecord('a', record(0)), /although 1 was next/);
  assert.throws(() => reads.onRecord('a', record(2)), /missed what is from 1 on/);
  new StableReads({ mayStartLate: true }).onRecord('a', record(2));
});

test('the high watermark never goes back for a reader, and the end not behind what it read', () => {
  const reads = new StableReads();
  reads.onHighWatermark('a', place, 5);
  reads.onHighWatermark('a', place, 5);
  reads.onHighWatermark('b', place, 4);
  assert.throws(() => reads.onHighWatermark('a', place, 4), /goes back from 5 to 4/);
  reads.onRecord('a', record(0));
  reads.assertStillThere(contentsOf([0]));
  assert.throws(() => reads.assertStillThere(contentsOf([])), /ends at 0/);
});

test('records shown before they are durable are caught by power cuts', async () => {
  const run = (plan: LoadPlan): LoadPlan => {
    const topics = plan.topics.map((topic) => ({
      ...topic,
      configs: { ...topic.configs, 'flush.messages': '1000000' },
    }));
    return { ...plan, topics, checks: ['reads'] };
  };
  const failure = await firstFailure((world) => runPowerCut(world, run), 40);
  assert.match(String(failure), /goes back|and is "|was next|has read up to/);
});
