// Who waits for which sync: shared rounds, and never two at a time. And what counts as synced when
// a truncation comes in between.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deferred } from '../../base/deferred.ts';
import { LogFlusher } from './log-flusher.ts';

/** A log whose syncs end when the test says so. */
function slowLog() {
  const syncs: Deferred<void>[] = [];
  const target = {
    logEndOffset: 0,
    runningMax: 0,
    runningCount: 0,
    async sync() {
      const done = new Deferred<void>();
      syncs.push(done);
      target.runningMax = Math.max(target.runningMax, ++target.runningCount);
      await done.promise;
      target.runningCount--;
    },
    scanFrom: () => Number.POSITIVE_INFINITY,
    onSyncFailure() {},
  };
  const written = new Deferred<void>();
  const flusher = new LogFlusher(target, 0, () => written.promise);
  return { target, syncs, written, flusher };
}

test('whoever asks when a round has just ended joins the one that waited for it', async () => {
  const { target, syncs, flusher } = slowLog();
  target.logEndOffset = 1;
  // As a partition does: it asks again in the moment in which its flush is over.
  const asking = (async () => {
    await flusher.flush(1);
    target.logEndOffset = 3;
    await flusher.flush(3);
  })();
  target.logEndOffset = 2;
  const queued = flusher.flush(2);
  syncs[0]?.resolve();
  for (let i = 0; i < 20; i++) await null;
  assert.equal(target.runningMax, 1);
  for (let i = 0; i < 100; i++) {
    for (const sync of syncs) sync.resolve();
    await null;
  }
  await Promise.all([asking, queued]);
  assert.equal(flusher.recoveryPoint, 3);
  assert.equal(target.runningMax, 1);
});

for (const cut of ['done', 'put off'] as const) {
  test(`a round that ends before a cut is ${cut} counts nothing that it was to take`, async () => {
    const { target, syncs, written, flusher } = slowLog();
    target.logEndOffset = 20;
    const before = flusher.flush(20);
    const announced = flusher.beforeTruncation(5);
    syncs[0]?.resolve();
    await before;
    assert.equal(flusher.recoveryPoint, 5);
    const between = flusher.flush(20);
    syncs[1]?.resolve();
    await between;
    assert.equal(flusher.recoveryPoint, 5, 'the checkpoint that is being written says so');
    written.resolve();
    await announced;
    if (cut === 'done') target.logEndOffset = 5;
    flusher.onTruncated(target.logEndOffset);
    const after = flusher.flush(Number.POSITIVE_INFINITY);
    syncs[2]?.resolve();
    await after;
    assert.equal(flusher.recoveryPoint, target.logEndOffset);
  });
}

test('what was synced counts again behind a cut that had to lower it for a while', async () => {
  const { target, syncs, written, flusher } = slowLog();
  target.logEndOffset = 20;
  const flushed = flusher.flush(20);
  syncs[0]?.resolve();
  await flushed;
  const announced = flusher.beforeTruncation(0);
  assert.equal(flusher.recoveryPoint, 0);
  written.resolve();
  await announced;
  flusher.onTruncated(30);
  assert.equal(flusher.recoveryPoint, 20);
  await flusher.beforeTruncation(0);
  flusher.onTruncated(3);
  assert.equal(flusher.recoveryPoint, 3);
});
