// A flood of offences in few lines.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import type { Log, LogFields } from '../io/index.ts';
import { RateLimitedLog } from './rate-limited-log.ts';

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
