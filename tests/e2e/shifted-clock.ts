// Loaded into a broker's process before the broker itself (`node --import`): its wall clock is off
// by as many milliseconds as a file says, and follows when the file changes. The monotonic clock is
// the system's, as after an administrator, or a time server, has set the clock.

import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const path = process.env.PARTITA_TEST_CLOCK_SHIFT ?? '';
const now = Date.now;
const lookMs = 20;
let shiftMs = 0;
let lookedMs = Number.NEGATIVE_INFINITY;

Date.now = (): number => {
  const monotonicMs = performance.now();
  if (monotonicMs - lookedMs > lookMs) {
    lookedMs = monotonicMs;
    shiftMs = Number(readFileSync(path, 'utf8'));
  }
  return now() + shiftMs;
};
