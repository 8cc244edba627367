// Whether this process stood still: suspended with its machine, frozen between two calls of a
// serverless function, stopped. Peers have closed their connections meanwhile without our hearing
// of it, and a request on one of them would wait for its timeout.
//
// Invariant: what was noticed once stays known, so that every connection that was idle across the
// gap is given up, whenever it is used next.

import type { Clock, Timer } from '../io/index.ts';

/** Heartbeats are as far apart; a connection that was used since then was alive. */
const heartbeatMs = 3000;
const tickMs = 1000;
/** A busy event loop is late by less. */
const lateMs = 2000;

export class ClockGaps {
  readonly #clock: Clock;
  #skewMs: number;
  /** Of the last gap's end; on clock.monotonic(). */
  #gapAtMs = Number.NEGATIVE_INFINITY;
  #tickAtMs = Number.POSITIVE_INFINITY;
  #timer: Timer | null = null;

  /**
   * A suspended machine shows in the wall clock, which goes on while the other stands still. A
   * process that is frozen alone has to look at the clock all the time; `keepAlive` false says
   * that this one may be.
   */
  constructor(clock: Clock, keepAlive: boolean) {
    this.#clock = clock;
    this.#skewMs = clock.now() - clock.monotonic();
    if (!keepAlive) this.#tick();
  }

  /** Whether there was a gap since something was idle. */
  isWithin(idleSinceMs: number, idleMs: number): boolean {
    if (idleMs <= heartbeatMs) return false;
    const nowMs = this.#clock.monotonic();
    const skewMs = this.#clock.now() - nowMs;
    const isFrozen = nowMs - this.#tickAtMs > lateMs;
    if (skewMs - this.#skewMs > lateMs || isFrozen) this.#gapAtMs = nowMs;
    this.#skewMs = skewMs;
    return idleSinceMs < this.#gapAtMs;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #tick(): void {
    this.#tickAtMs = this.#clock.monotonic() + tickMs;
    this.#timer = this.#clock.after(tickMs, () => {
      const nowMs = this.#clock.monotonic();
      if (nowMs - this.#tickAtMs > lateMs) this.#gapAtMs = nowMs;
      this.#tick();
    });
  }
}
