// idempotent-producers.ts: what it lets pass, what it refuses, and a planted bug that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadPlan } from '../scenarios/load-run.ts';
import { runNetwork } from '../scenarios/network.ts';
import { contentsOf, idempotent, ledgerOf, pipelined } from './fixture.ts';
import { assertNoDuplicatesNorReordering } from './idempotent-producers.ts';
import { firstFailure } from './planted-bugs.ts';

test('each record of an idempotent producer is there at most once, in order', () => {
  const ledger = ledgerOf(idempotent, [0, 1, false, 2]);
  assertNoDuplicatesNorReordering(ledger, contentsOf([0, 1, 3]));
  const judge = (numbers: number[]) => () =>
    assertNoDuplicatesNorReordering(ledger, contentsOf(numbers));
  assert.throws(judge([0, 1, 1]), /"p t 0 1" is there twice/);
  assert.throws(judge([0, 3, 1]), /"p t 0 1" at t-0 offset 2 comes after record 3/);
});

test('a producer without numbers may leave duplicates', () => {
  assertNoDuplicatesNorReordering(ledgerOf(pipelined, [0, 1]), contentsOf([0, 1, 0]));
});

test('a producer that does not number its batches is caught by a bad network', async () => {
  const run = (plan: LoadPlan): LoadPlan => {
    const producers = plan.producers.map((producer) => ({
      ...producer,
      options: { ...producer.options, acks: -1 as const, enableIdempotence: false },
      traits: { isIdempotent: true },
    }));
    return { ...plan, producers, checks: ['idempotence'] };
  };
  const failure = await firstFailure((world) => runNetwork(world, run), 40, 4);
  assert.match(String(failure), /is there twice|comes after record/);
});
