// prefix-of-sent.ts: what it lets pass, what it refuses, and planted bugs that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadPlan } from '../scenarios/load-run.ts';
import { runPowerCut } from '../scenarios/power-cut.ts';
import { contentsOf, idempotent, ledgerOf, pipelined, unanswered } from './fixture.ts';
import { firstFailure, withoutRecoveryPoints } from './planted-bugs.ts';
import { assertDense, assertPrefixOfSent, assertSent } from './prefix-of-sent.ts';

test('offsets are dense from the start to the end', () => {
  assertDense(contentsOf([0, 1, 2], 5));
  const { records, ...rest } = contentsOf([0, 1, 2]);
  const [first, , third] = records;
  const withGap = { ...rest, records: [first, third].filter((each) => each !== undefined) };
  assert.throws(() => assertDense(withGap), /offset 2 follows where 1 was due/);
  assert.throws(() => assertDense({ ...rest, records: records.slice(0, 2) }), /2 of 3 offsets/);
});

test('a record that was not sent, or not there, or at another time, is found', () => {
  const ledger = ledgerOf(idempotent, [0]);
  assertSent(ledger, contentsOf([0]));
  assert.throws(() => assertSent(ledger, contentsOf([0, 1])), /never sent/);
  assert.throws(() => assertSent(ledger, { ...contentsOf([0]), partition: 1 }), /never sent/);
  const contents = contentsOf([0]);
  const records = contents.records.map((record) => ({ ...record, timestamp: 7 }));
  assert.throws(() => assertSent(ledger, { ...contents, records }), /another time/);
});

test('the log of a producer that keeps its order is a prefix, but for what failed', () => {
  const ledger = ledgerOf(idempotent, [0, false, null, null]);
  for (const numbers of [[], [0], [0, 2], [0, 1, 2], [0, 2, 1], [0, 2, 3]]) {
    assertPrefixOfSent(ledger, contentsOf(numbers));
  }
  assert.throws(() => assertPrefixOfSent(ledger, contentsOf([0, 3])), /"p t 0 2" is missing/);
  assert.throws(() => assertPrefixOfSent(ledger, contentsOf([2])), /"p t 0 0" is missing/);
});

test('no order is demanded of several requests without numbers', () => {
  assertPrefixOfSent(ledgerOf(pipelined, [1, 0, 2]), contentsOf([1, 0, 2]));
});

test('acks=0 may leave gaps, but nothing is there twice', () => {
  const ledger = ledgerOf(unanswered, [-1, -1, -1]);
  assertPrefixOfSent(ledger, contentsOf([2, 0]));
  assert.throws(() => assertPrefixOfSent(ledger, contentsOf([0, 0])), /twice/);
});

test('acknowledged records that a power cut takes leave a gap that is found', async () => {
  const run = (plan: LoadPlan): LoadPlan => {
    const topics = plan.topics.map((topic) => ({
      ...topic,
      configs: { ...topic.configs, 'flush.messages': '1000000' },
    }));
    return { ...plan, topics, checks: ['prefix'] };
  };
  const failure = await firstFailure((world) => runPowerCut(world, run), 40);
  assert.match(String(failure), /is missing or late/);
});

test('a recovery that believes the gap that a power cut made is caught', async () => {
  // Compacted by name, and never cleaned: whatever gap there is, is a loss.
  const run = (plan: LoadPlan): LoadPlan => {
    const topics = plan.topics.map((topic) => {
      const { 'retention.ms': _, 'retention.bytes': __, ...configs } = topic.configs;
      const compacted = { 'cleanup.policy': 'compact', 'internal.segment.bytes': '4000' };
      return { ...topic, configs: { ...configs, ...compacted, 'flush.messages': '1000000' } };
    });
    const config = { ...plan.config, 'log.cleaner.enable': 'false' };
    const plant = withoutRecoveryPoints;
    return { ...plan, topics, config, plant, mayStartLate: false, checks: ['idempotence'] };
  };
  const failure = await firstFailure((world) => runPowerCut(world, run), 40);
  assert.match(String(failure), /offset \d+ follows where \d+ was due/);
});
