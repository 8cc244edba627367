// Exponential pauses between attempts, with 20% jitter so that many clients of one broker do not
// come back in the same instant (KIP-580).

import type { Random } from '../io/index.ts';

export class Backoff {
  readonly #random: Random;
  readonly #initialMs: number;
  readonly #maxMs: number;

  constructor(random: Random, initialMs: number, maxMs: number) {
    this.#random = random;
    this.#initialMs = initialMs;
    this.#maxMs = Math.max(initialMs, maxMs);
  }

  /** The pause after `failures` failures in a row, from 1. */
  delayMs(failures: number): number {
    const exponent = Math.min(Math.max(failures - 1, 0), 30);
    const delay = Math.min(this.#maxMs, this.#initialMs * 2 ** exponent);
    return delay * (0.8 + 0.4 * this.#random.float());
  }
}
