// Who waits until the logs of all living replicas begin at an offset or behind it: what is deleted
// by DeleteRecords must not be read again, whoever leads next. Replicas tell of their log's start
// with their fetches; whoever dies meanwhile is waited for no longer.
//
// Invariant: nobody waits beyond his deadline, or on a partition that is not led here any more.

import type { Clock, Timer } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';

/** Nobody tells of a broker that died. */
const lookAgainMs = 500;

export class LowWatermark {
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A replica has told where its log begins, or the partition has another role. */
  onMoved(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /**
   * Resolves to the lowest start, once that is not before the offset.
   * @param lowest throws when it cannot be known any more
   * @throws KafkaError REQUEST_TIMED_OUT, and what `lowest` throws
   */
  async reached(offset: number, deadlineMs: number, lowest: () => number): Promise<number> {
    for (;;) {
      const now = lowest();
      if (now >= offset) return now;
      const leftMs = deadlineMs - this.#clock.monotonic();
      if (leftMs <= 0) throw new KafkaError('REQUEST_TIMED_OUT');
      await this.#moved(Math.min(leftMs, lookAgainMs));
    }
  }

  #moved(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake);
        timer.cancel();
        resolve();
      };
      const timer: Timer = this.#clock.after(waitMs, wake);
      this.#waiters.add(wake);
    });
  }
}
