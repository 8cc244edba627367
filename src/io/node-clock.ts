// The real clock. Two habits of Node's timers are evened out here: a timer may fire up to a
// millisecond early (the loop's time is truncated), and a delay above 2^31-1 ms fires at once.
//
// Invariant: timers fire in the order of their deadlines. One that came early waits once more, and
// must not be overtaken by a later one that comes in between and is just in time.

import type { Clock, Timer } from './io.ts';

const delayMsMax = 2 ** 31 - 1;

export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => new NodeTimer(delayMs, callback),
  sleep: (delayMs) =>
    new Promise((resolve) => {
      new NodeTimer(delayMs, resolve);
    }),
  nextTurn: (callback) => {
    setImmediate(callback);
  },
};

/** The same, with timers for which a process that has nothing else to do does not stay. */
export const idleClock: Clock = {
  ...nodeClock,
  after: (delayMs, callback) => new NodeTimer(delayMs, callback, false),
  sleep: (delayMs) =>
    new Promise((resolve) => {
      new NodeTimer(delayMs, resolve, false);
    }),
};

/** Timers that came early and wait once more, the next deadline first. */
const early: NodeTimer[] = [];

class NodeTimer implements Timer {
  readonly #deadline: number;
  readonly #callback: () => void;
  readonly #keepsAlive: boolean;
  #timeout: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void, keepsAlive = true) {
    const delay = Math.max(delayMs, 0);
    this.#deadline = performance.now() + delay;
    this.#callback = callback;
    this.#keepsAlive = keepsAlive;
    this.#timeout = this.#arm(delay);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
    const index = early.indexOf(this);
    if (index >= 0) early.splice(index, 1);
  }

  #arm(delayMs: number): NodeJS.Timeout {
    const timeout = setTimeout(() => this.#onTimeout(), Math.min(Math.ceil(delayMs), delayMsMax));
    return this.#keepsAlive ? timeout : timeout.unref();
  }

  #onTimeout(): void {
    const left = this.#deadline - performance.now();
    if (left > 0) this.#waitOnceMore(left);
    else this.#fireInTurn();
  }

  #waitOnceMore(leftMs: number): void {
    if (!early.includes(this)) {
      const next = early.findIndex((timer) => timer.#deadline > this.#deadline);
      early.splice(next < 0 ? early.length : next, 0, this);
    }
    this.#timeout = this.#arm(leftMs);
  }

  #fireInTurn(): void {
    let first = early[0];
    while (first !== undefined && first !== this && first.#deadline <= this.#deadline) {
      first.cancel();
      first.#callback();
      first = early[0];
    }
    this.cancel();
    this.#callback();
  }
}
