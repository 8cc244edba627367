// One line per offence, but not one per packet: a client that is broken or hostile must not fill
// the disk with lines about itself. What was held back is counted in the next line that is let
// through.

import type { Clock, Log, LogFields } from '../io/index.ts';

const linesMax = 10;
const intervalMs = 10_000;

export class RateLimitedLog {
  readonly #clock: Clock;
  readonly #log: Log;
  #intervalBeganMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #heldBack = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  warn(message: string, fields: LogFields = {}): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#intervalBeganMs >= intervalMs) {
      this.#intervalBeganMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines >= linesMax) {
      this.#heldBack++;
      return;
    }
    this.#lines++;
    const heldBack = this.#heldBack;
    this.#heldBack = 0;
    this.#log.warn(message, heldBack === 0 ? fields : { ...fields, heldBack });
  }
}
