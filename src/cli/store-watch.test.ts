// When a broker of `--brokers` ends because its store is gone.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { StoreWatch } from './store-watch.ts';

describe('a broker whose shared store is away', () => {
  test('goes on for a minute, says why it ends, and begins anew when the store was back', () =>
    simulate(async ({ ...io }) => {
      const store = { viewAgeMs: 0 };
      const lines: string[] = [];
      let isOver = false;
      const watch = new StoreWatch(io, (line) => lines.push(line));
      watch.away.then(() => {
        isOver = true;
      });
      watch.begin(store);
      await io.clock.sleep(600_000);
      store.viewAgeMs = 50_000;
      await io.clock.sleep(58_000);
      assert.equal(isOver, false);
      store.viewAgeMs = 0;
      await io.clock.sleep(2_000);
      store.viewAgeMs = 50_000;
      await io.clock.sleep(58_000);
      assert.equal(isOver, false);
      await io.clock.sleep(3_000);
      assert.equal(isOver, true);
      assert.match(lines.join('\n'), /^the cluster store was away for 60 s: this broker ends$/);
    }));

  test('does not count the time in which it did not run itself', () =>
    simulate(async (io, process) => {
      const store = { viewAgeMs: 0 };
      const watch = new StoreWatch(io, (line) => assert.fail(line));
      watch.begin(store);
      process.freeze(300_000);
      store.viewAgeMs = 300_000;
      await io.clock.sleep(5_000);
      store.viewAgeMs = 0;
      await io.clock.sleep(120_000);
      watch.end();
    }));
});
