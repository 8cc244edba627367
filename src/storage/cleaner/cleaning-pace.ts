// How fast a cleaning goes: it works for a few milliseconds at a time and then lets the event loop
// serve others, for as long as it worked itself if they have so much to do; and it keeps to
// log.cleaner.io.max.bytes.per.second. Both are also where it learns that it is to stop.

import type { Clock } from '../../io/index.ts';

export interface CleaningPaceOptions {
  /** Bytes read and written per second; asked again and again. */
  readonly bytesPerSecondMax: () => number;
  /** Throws to end the cleaning. */
  readonly assertGoing: () => void;
}

/** Work without a pause: requests wait as long as this for their turn. */
const sliceMsMax = 2;
/** A turn of the event loop that took less had nobody else to serve. */
const idleTurnMs = 0.2;
/** How soon a limit that was changed, or a stop, is noticed. */
const throttlePauseMsMax = 300;

export class CleaningPace {
  readonly #clock: Clock;
  readonly #options: CleaningPaceOptions;
  #sliceStartMs: number;
  /** Bytes read and written for which no time has passed yet. */
  #owedBytes = 0;
  #owedSinceMs: number;

  constructor(clock: Clock, options: CleaningPaceOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#sliceStartMs = clock.monotonic();
    this.#owedSinceMs = this.#sliceStartMs;
  }

  /** True when others are to be served before the work goes on: call rest(). */
  get isRestDue(): boolean {
    return this.#clock.monotonic() - this.#sliceStartMs >= sliceMsMax;
  }

  /** Call after every wait of another kind as well. */
  assertGoing(): void {
    this.#options.assertGoing();
  }

  async rest(): Promise<void> {
    const workedMs = this.#clock.monotonic() - this.#sliceStartMs;
    const restStartMs = this.#clock.monotonic();
    for (let turnStartMs = restStartMs; ; ) {
      await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
      const nowMs = this.#clock.monotonic();
      if (nowMs - turnStartMs < idleTurnMs || nowMs - restStartMs >= workedMs) break;
      turnStartMs = nowMs;
    }
    this.beginSlice();
    this.#options.assertGoing();
  }

  /** Others were served meanwhile: a wait for the disk is a rest, too. */
  beginSlice(): void {
    this.#sliceStartMs = this.#clock.monotonic();
  }

  /** Waits until the bytes read and written so far are within the limit. */
  async throttle(sizeBytes: number): Promise<void> {
    this.#owedBytes += sizeBytes;
    for (;;) {
      const nowMs = this.#clock.monotonic();
      const bytesPerMs = this.#options.bytesPerSecondMax() / 1000;
      // What was not used in quiet times is not saved up.
      this.#owedBytes = Math.max(0, this.#owedBytes - (nowMs - this.#owedSinceMs) * bytesPerMs);
      this.#owedSinceMs = nowMs;
      const dueMs = this.#owedBytes === 0 ? 0 : this.#owedBytes / bytesPerMs;
      if (dueMs < 1) return;
      await this.#clock.sleep(Math.min(dueMs, throttlePauseMsMax));
      this.beginSlice();
      this.#options.assertGoing();
    }
  }
}
