// The real clock. Two habits of Node's timers are evened out here: a timer may fire up to a
// millisecond early (the loop's time is truncated), and a delay above 2^31-1 ms fires at once.

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

class NodeTimer implements Timer {
  readonly #deadline: number;
  readonly #callback: () => void;
  #timeout: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void) {
    const delay = Math.max(delayMs, 0);
    this.#deadline = performance.now() + delay;
    this.#callback = callback;
    this.#timeout = this.#arm(delay);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  #arm(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#onTimeout(), Math.min(Math.ceil(delayMs), delayMsMax));
  }

  #onTimeout(): void {
    const left = this.#deadline - performance.now();
    if (left > 0) this.#timeout = this.#arm(left);
    else this.#callback();
  }
}
