// Records per second, on virtual time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { Pace } from './pace.ts';

describe('a pace', () => {
  test('holds the rate over many records', async () => {
    await simulate(async (io) => {
      const startedMs = io.clock.monotonic();
      const pace = new Pace(io, 400);
      for (let count = 0; count < 1000; count++) await pace.next();
      const tookMs = io.clock.monotonic() - startedMs;
      assert.ok(Math.abs(tookMs - 2500) < 10, `${tookMs} ms`);
    });
  });

  test('makes up for the time that a slow record took', async () => {
    await simulate(async (io) => {
      const pace = new Pace(io, 10);
      await pace.next();
      await io.clock.sleep(350);
      // Four records were due meanwhile.
      for (let count = 0; count < 3; count++) assert.equal(pace.next(), null);
      assert.notEqual(pace.next(), null);
    });
  });

  test('without a limit only lets the event loop turn', async () => {
    await simulate(async (io) => {
      const pace = new Pace(io, -1);
      const turns: Promise<void>[] = [];
      for (let count = 0; count < 640; count++) {
        const turn = pace.next();
        if (turn !== null) turns.push(turn);
      }
      assert.equal(turns.length, 10);
      const before = io.clock.monotonic();
      await Promise.all(turns);
      assert.equal(io.clock.monotonic(), before);
    });
  });
});
