// How fast a tool sends: a number of records per second on average, or as fast as they are taken.
//
// Invariant: whoever is unpaced still lets the event loop turn from time to time, because it is
// the event loop that delivers what was sent.

import type { Io } from '../io/index.ts';

/** Shorter pauses cost more than they are worth: timers count in milliseconds. */
const pauseMinMs = 2;
const turnEvery = 64;

export class Pace {
  readonly #io: Io;
  readonly #perSecond: number;
  readonly #startedMs: number;
  #count = 0;

  /** `perSecond` below 0 is no limit; 0 lets nothing through, as Kafka's tools take it. */
  constructor(io: Io, perSecond: number) {
    this.#io = io;
    this.#perSecond = perSecond;
    this.#startedMs = io.clock.monotonic();
  }

  /** Counts one record; null if the next one may follow at once, otherwise a promise to await. */
  next(): Promise<void> | null {
    this.#count++;
    const { clock } = this.#io;
    if (this.#perSecond >= 0) {
      const dueMs = this.#startedMs + (this.#count * 1000) / this.#perSecond;
      const earlyMs = dueMs - clock.monotonic();
      if (earlyMs >= pauseMinMs) return clock.sleep(Math.min(earlyMs, 2 ** 31 - 1));
    }
    if (this.#count % turnEvery !== 0) return null;
    return new Promise((resolve) => clock.nextTurn(resolve));
  }
}
