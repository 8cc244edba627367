// One line per offence, but not one per packet: a client that is broken or hostile must not fill
// the disk with lines about itself, and neither must whoever needs a store that is away for hours.
// What was held back is counted in the next line that is let through.

import type { Clock, Log, LogFields } from './io.ts';

export interface LineRate {
  readonly linesMax: number;
  readonly intervalMs: number;
}

const ofOffences: LineRate = { linesMax: 10, intervalMs: 10_000 };
/** Of what fails until somebody mends it. */
export const ofOutages: LineRate = { linesMax: 1, intervalMs: 30_000 };

export class RateLimitedLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #rate: LineRate;
  #intervalBeganMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #heldBack = 0;

  constructor(clock: Clock, log: Log, rate = ofOffences) {
    this.#clock = clock;
    this.#log = log;
    this.#rate = rate;
  }

  warn(message: string, fields: LogFields = {}): void {
    if (this.#mayWrite()) this.#log.warn(message, this.#counted(fields));
  }

  error(message: string, fields: LogFields = {}): void {
    if (this.#mayWrite()) this.#log.error(message, this.#counted(fields));
  }

  #mayWrite(): boolean {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#intervalBeganMs >= this.#rate.intervalMs) {
      this.#intervalBeganMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines >= this.#rate.linesMax) {
      this.#heldBack++;
      return false;
    }
    this.#lines++;
    return true;
  }

  #counted(fields: LogFields): LogFields {
    const heldBack = this.#heldBack;
    this.#heldBack = 0;
    return heldBack === 0 ? fields : { ...fields, heldBack };
  }
}
