// Time for judging others by: it goes on only while this process runs. A process that was stopped
// (SIGSTOP, a laptop that slept) has heard nobody meanwhile, which proves nothing about them.
//
// Invariant: after a hold nobody is judged before what the sockets hold has been read: a tick that
// comes late says so, and counts for nothing.

import type { Io, Timer } from '../../../io/index.ts';

const tickMs = 250;
const lateMs = 200;

export class SessionClock {
  readonly #io: Io;
  readonly #onTick: (nowMs: number) => void;
  #ranMs = 0;
  #tickedMs: number;
  #timer: Timer;

  /** @param onTick judges; called only when this process has run since the tick before */
  constructor(io: Io, onTick: (nowMs: number) => void) {
    this.#io = io;
    this.#onTick = onTick;
    this.#tickedMs = io.clock.monotonic();
    this.#timer = this.#next();
  }

  /** Milliseconds in which this process ran. */
  now(): number {
    const elapsedMs = this.#io.clock.monotonic() - this.#tickedMs;
    return this.#ranMs + Math.min(elapsedMs, tickMs + lateMs);
  }

  #next(): Timer {
    return this.#io.clock.after(tickMs, () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.#io.clock.monotonic();
    const wasHeld = nowMs - this.#tickedMs > tickMs + lateMs;
    this.#ranMs = this.now();
    this.#tickedMs = nowMs;
    this.#timer = this.#next();
    if (!wasHeld) this.#onTick(this.#ranMs);
  }

  close(): void {
    this.#timer.cancel();
  }
}
