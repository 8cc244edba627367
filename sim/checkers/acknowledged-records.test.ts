// acknowledged-records.ts: what it lets pass, what it refuses, and a planted bug that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadPlan } from '../scenarios/load-run.ts';
import { runPowerCut } from '../scenarios/power-cut.ts';
import { assertAcknowledgedSurvive } from './acknowledged-records.ts';
import { contentsOf, idempotent, ledgerOf, pipelined, unanswered } from './fixture.ts';
import {
  firstFailure,
  withLyingDirectorySync,
  withLyingSync,
  withoutTruncation,
} from './planted-bugs.ts';

const only = (plan: LoadPlan): LoadPlan => ({ ...plan, checks: ['acknowledged'] });

test('what was acknowledged has to be there, at its offset', () => {
  const ledger = ledgerOf(pipelined, [0, 1, 2]);
  assertAcknowledgedSurvive(ledger, contentsOf([0, 1, 2]));
  assert.throws(() => assertAcknowledgedSurvive(ledger, contentsOf([0, 1])), /"p t 0 2" is lost/);
  assert.throws(() => assertAcknowledgedSurvive(ledger, contentsOf([0, 2, 1])), /is lost/);
});

test('an acknowledgement without an offset only says that the record is there', () => {
  const ledger = ledgerOf(idempotent, [0, -1]);
  assertAcknowledgedSurvive(ledger, contentsOf([0, 1]));
  assert.throws(() => assertAcknowledgedSurvive(ledger, contentsOf([0])), /is lost/);
});

test('nothing is promised for what failed, is open, or wanted no answer', () => {
  assertAcknowledgedSurvive(ledgerOf(idempotent, [false, null]), contentsOf([]));
  assertAcknowledgedSurvive(ledgerOf(unanswered, [-1, -1]), contentsOf([]));
});

test('a log that begins late is a loss, unless records may be deleted', () => {
  const ledger = ledgerOf(pipelined, [0, 1, 2]);
  assert.throws(() => assertAcknowledgedSurvive(ledger, contentsOf([2], 2)), /starts at 2/);
  assertAcknowledgedSurvive(ledger, contentsOf([2], 2), { mayStartLate: true });
});

test('a disk that lies about fsync is caught by power cuts', async () => {
  const plant = withLyingSync(/topic-.*\.log$/);
  const run = (plan: LoadPlan) => ({ ...only(plan), plant });
  assert.match(String(await firstFailure((world) => runPowerCut(world, run), 40)), /is lost/);
});

test('a disk that lies about the fsync of directories is caught by power cuts', async () => {
  const run = (plan: LoadPlan) => ({ ...only(plan), plant: withLyingDirectorySync });
  assert.match(
    String(await firstFailure((world) => runPowerCut(world, run), 40, 2)),
    /lost|broker/i,
  );
});

test('topics that do not sync before they acknowledge are caught by power cuts', async () => {
  const run = (plan: LoadPlan): LoadPlan => {
    const topics = plan.topics.map((topic) => ({
      ...topic,
      configs: { ...topic.configs, 'flush.messages': '1000000' },
    }));
    return { ...only(plan), topics };
  };
  assert.match(String(await firstFailure((world) => runPowerCut(world, run), 40)), /lost/);
});

test('a torn tail that is not truncated is caught by power cuts', async () => {
  const run = (plan: LoadPlan) => ({ ...only(plan), plant: withoutTruncation });
  const found = await firstFailure((world) => runPowerCut(world, run), 20, 345);
  // What is left of the tail is in the way of what follows: a reader stops there.
  assert.match(String(found), /is lost|UnreadableRecordsError/);
});
