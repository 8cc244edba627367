// Notices that the program kept the event loop: timers come late then, and so do heartbeats. Who is
// thrown out of a group for that reads it in the log and in the error.

import type { Clock, Timer } from '../../io/index.ts';

/** Less is the ordinary life of a program. */
const noticedMs = 1000;

export class LoopBlocks {
  readonly #clock: Clock;
  #blockedMs = 0;
  #wasLate = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A timer whose lateness is noted. */
  after(delayMs: number, callback: () => void): Timer {
    const dueMs = this.#clock.monotonic() + delayMs;
    return this.#clock.after(delayMs, () => {
      this.#onLate(this.#clock.monotonic() - dueMs);
      callback();
    });
  }

  /** An answer came after the time limit of its request: its timer was late. */
  onAnswer(tookMs: number, limitMs: number): void {
    if (tookMs > limitMs) this.#onLate(tookMs);
  }

  /** A sign of life got through; what came late before it does not count any more. */
  onAlive(): void {
    if (!this.#wasLate) this.#blockedMs = 0;
    this.#wasLate = false;
  }

  /** null: the loop was not blocked for so long. */
  describe(atLeastMs: number, consequence: string): string | null {
    if (this.#blockedMs < Math.max(noticedMs, atLeastMs)) return null;
    const seconds = Math.round(this.#blockedMs / 1000);
    return `the event loop was blocked for ${seconds} s; ${consequence}`;
  }

  #onLate(lateMs: number): void {
    this.#wasLate = lateMs >= noticedMs;
    if (this.#wasLate) this.#blockedMs = Math.max(this.#blockedMs, lateMs);
  }
}
