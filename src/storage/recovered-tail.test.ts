// What a killed process wrote and did not sync, once the log is open again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../sim/index.ts';
import { append, openLog } from './log-fixture.ts';

/** Endings of the log after a kill, and after a power cut that follows the next opening. */
async function endsAfter(flushMessages: number): Promise<number[]> {
  const world = new World();
  const host = world.host('host');
  const ends: number[] = [];
  const config = { flushMessages, segmentBytesMax: 200 };
  const open = async (values: readonly string[]): Promise<void> => {
    let isDone = false;
    host.start(async (io) => {
      const log = await openLog(io, { config });
      ends.push(log.logEndOffset);
      for (const value of values) append(log, [value]);
      isDone = true;
    });
    await world.run(() => isDone);
  };
  await open(['a', 'b', 'c', 'd']);
  host.kill();
  await open([]);
  host.powerCut();
  await open([]);
  host.kill();
  return ends;
}

test('a topic that syncs before it answers is synced before it is served again', async () => {
  assert.deepEqual(await endsAfter(1), [0, 4, 4]);
});
