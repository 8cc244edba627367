// Who waits for which sync: shared rounds, and never two at a time.

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
  return { target, syncs, flusher: new LogFlusher(target, 0) };
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
