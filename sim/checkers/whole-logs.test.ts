// whole-logs.ts: planted bugs that it finds. What it lets pass, every run of the scenarios shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CleanedTransactions } from '../../src/storage/cleaner/cleaned-transactions.ts';
import { ProducerStates } from '../../src/storage/producers/producer-states.ts';
import { runCompaction } from '../scenarios/compaction.ts';
import type { CompactionPlan } from '../scenarios/compaction-run.ts';
import { firstFailure, withPatch } from './planted-bugs.ts';

const only = (plan: CompactionPlan): CompactionPlan => ({ ...plan, checks: ['files'] });

test('a cleaner that does not know the producers of the log is caught', async () => {
  const { snapshot } = ProducerStates.prototype;
  const bug: Partial<ProducerStates> = {
    snapshot(this: ProducerStates) {
      const isAskedByCleaner = /log-cleaning/.test(String(new Error('who asks').stack));
      return isAskedByCleaner ? [] : snapshot.call(this);
    },
  };
  const failure = await withPatch(ProducerStates.prototype, bug, () =>
    firstFailure((world) => runCompaction(world, 'kill', only), 20),
  );
  assert.match(String(failure), /the last batch of producer .* is lost/);
});

test('a cleaner that keeps a marker and drops its entry in the index is caught', async () => {
  // Where each transaction has its own epoch, no batch of an aborted one stays.
  const first = (plan: CompactionPlan): CompactionPlan => {
    const writers = plan.writers.map((writer) => ({ ...writer, transactionalId: writer.name }));
    return { ...only(plan), writers, transactionVersion: 1 };
  };
  const bug: Partial<CleanedTransactions> = { takeIndexed: () => [] };
  const failure = await withPatch(CleanedTransactions.prototype, bug, () =>
    firstFailure((world) => runCompaction(world, 'kill', first), 20, 8),
  );
  assert.match(String(failure), /the abort of .* is not in the index/);
});
