// Connections of one listener that were made and are not served yet, because new ones come too fast
// (max.connection.creation.rate) or there are as many as may be (max.connections), on the listener
// or on the whole broker. They wait unread, in order; one that fits nowhere is closed.
//
// Invariant: at most `waitingMax` connections wait; none overtakes another.

import type { Clock, Connection, Timer } from '../io/index.ts';

export interface AcceptQueueOptions {
  readonly waitingMax: number;
  /** Counts the connection that is next; how long it must wait, in ms. */
  readonly delayMs: () => number;
  readonly hasSlot: () => boolean;
  readonly admit: (raw: Connection) => void;
}

export class AcceptQueue {
  readonly #clock: Clock;
  readonly #options: AcceptQueueOptions;
  readonly #waiting = new Set<Connection>();
  #timer: Timer | null = null;
  /** The next to be admitted has been counted, so that its time need not be asked for again. */
  #isCounted = false;

  constructor(clock: Clock, options: AcceptQueueOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Admits the connection now or later; false when too many wait already. */
  offer(raw: Connection): boolean {
    if (this.#waiting.size === 0 && this.#timer === null && !this.#isCounted) {
      const delayMs = this.#options.delayMs();
      if (delayMs === 0 && this.#options.hasSlot()) {
        this.#options.admit(raw);
        return true;
      }
      this.#isCounted = true;
      if (delayMs > 0) this.#wakeAfter(delayMs);
    } else if (this.#waiting.size >= this.#options.waitingMax) {
      return false;
    }
    this.#waiting.add(raw);
    raw.pause();
    // A paused socket tells of its end only when it is read: this hears of resets.
    raw.onClose = () => this.#waiting.delete(raw);
    return true;
  }

  /** A connection was closed, or the limits changed. */
  pump(): void {
    while (this.#timer === null && this.#waiting.size > 0) {
      if (!this.#isCounted) {
        this.#isCounted = true;
        const delayMs = this.#options.delayMs();
        if (delayMs > 0) {
          this.#wakeAfter(delayMs);
          return;
        }
      }
      if (!this.#options.hasSlot()) return;
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.#waiting.delete(next);
      this.#isCounted = false;
      this.#options.admit(next);
      next.resume();
    }
    if (this.#waiting.size === 0 && this.#timer === null) this.#isCounted = false;
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const raw of this.#waiting) raw.destroy();
    this.#waiting.clear();
  }

  #wakeAfter(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = null;
      this.pump();
    });
  }
}
