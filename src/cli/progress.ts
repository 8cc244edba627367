// One line on a terminal that says how far a long work has come, written over twice a second.
// Where standard error is no terminal nothing is written: pipes and logs stay clean.

import type { Io, Timer } from '../io/index.ts';

const intervalMs = 500;

export interface Progress {
  /** Removes the line. */
  stop(): void;
}

export function startProgress(io: Io, text: (elapsedMs: number) => string): Progress {
  if (!process.stderr.isTTY) return { stop: () => {} };
  const startedMs = io.clock.monotonic();
  let timer: Timer;
  const show = (): void => {
    process.stderr.write(`\r${text(io.clock.monotonic() - startedMs)}\u001b[K`);
    timer = io.clock.after(intervalMs, show);
  };
  timer = io.clock.after(intervalMs, show);
  return {
    stop: () => {
      timer.cancel();
      process.stderr.write('\r\u001b[K');
    },
  };
}

/** `12.3 MiB, 4567 lines, 98.7 MiB/s` */
export function transferText(bytes: number, count: number, unit: string, ms: number): string {
  const mib = bytes / (1024 * 1024);
  const rate = ms === 0 ? 0 : (mib * 1000) / ms;
  return `${mib.toFixed(1)} MiB, ${count} ${unit}, ${rate.toFixed(1)} MiB/s`;
}
