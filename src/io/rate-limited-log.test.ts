// A flood of offences in few lines.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import type { Log, LogFields } from './io.ts';
import { ofOutages, RateLimitedLog } from './rate-limited-log.ts';

test('a flood becomes ten lines, and the next line counts what was held back', async () => {
  await simulate(async ({ clock, log }) => {
    const lines: LogFields[] = [];
    const sink: Log = { ...log, warn: (_message, fields = {}) => void lines.push(fields) };
    const limited = new RateLimitedLog(clock, sink);
    for (let i = 0; i < 500; i++) limited.warn('bad frame', { i });
    assert.equal(lines.length, 10);
    await clock.sleep(10_000);
    limited.warn('bad frame', { i: 500 });
    assert.deepEqual(lines.at(-1), { i: 500, heldBack: 490 });
  });
});

test('what fails for long is told at once, and again half a minute later', async () => {
  await simulate(async ({ clock, log }) => {
    const lines: LogFields[] = [];
    const sink: Log = { ...log, error: (_message, fields = {}) => void lines.push(fields) };
    const limited = new RateLimitedLog(clock, sink, ofOutages);
    for (let second = 0; second < 65; second++) {
      limited.error('the store is away', { second });
      await clock.sleep(1_000);
    }
    const heldBack = 29;
    assert.deepEqual(lines, [{ second: 0 }, { second: 30, heldBack }, { second: 60, heldBack }]);
  });
});
