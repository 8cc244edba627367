// Connections that were accepted and will not be served: kept unread for a while before they are
// closed. Whoever was refused comes again as soon as it is closed, and to accept a connection costs
// far more than to keep one.
//
// Invariants: none is read; at most `countMax` are kept, and the oldest gives way.

import type { Clock, Connection, Timer } from '../io/index.ts';

/** Each costs some kilobytes. */
const countMax = 2000;

export class Condemned {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #timers = new Map<Connection, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#timers.size;
  }

  /** Closes it after the delay, or before when others need its place. */
  hold(raw: Connection, closeAfterMs: number): void {
    if (this.#timers.size >= countMax) this.dropOldest();
    raw.pause();
    raw.onData = () => {};
    this.#timers.set(
      raw,
      this.#clock.after(closeAfterMs, () => this.#close(raw)),
    );
    // A paused socket hears of resets alone.
    raw.onClose = () => this.#close(raw);
  }

  /** False: there is none. */
  dropOldest(): boolean {
    const [oldest] = this.#timers.keys();
    if (oldest !== undefined) this.#close(oldest);
    return oldest !== undefined;
  }

  closeAll(): void {
    while (this.dropOldest()) {}
  }

  #close(raw: Connection): void {
    this.#timers.get(raw)?.cancel();
    if (this.#timers.delete(raw)) raw.destroy();
  }
}
