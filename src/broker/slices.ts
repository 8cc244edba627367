// Work on one request that may be long, in slices: between them everybody else has a turn.
//
// Invariant: who works looks at `isOver` at least every few hundred steps, so that no slice is much
// longer than `sliceMsMax`.

import type { Clock } from '../io/index.ts';

/** What another client may have to wait for one slice. */
const sliceMsMax = 5;

export class Slices {
  readonly #clock: Clock;
  #beganMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganMs = clock.monotonic();
  }

  /** True when others are to have their turn before the work goes on: wait for `rest`. */
  get isOver(): boolean {
    return this.#clock.monotonic() - this.#beganMs >= sliceMsMax;
  }

  async rest(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
    this.#beganMs = this.#clock.monotonic();
  }
}
