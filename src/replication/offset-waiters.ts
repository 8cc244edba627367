// Those who wait until an offset is passed: an acks=all produce waits for the high watermark, a
// DeleteRecords for the low one. Kafka calls this a purgatory; here each waiter is woken by the
// very advance that satisfies it, never by polling.
//
// Invariant: the list is ordered by offset, so that an advance touches only those it wakes.

import { Deferred } from '../base/deferred.ts';
import type { Clock, Timer } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';

interface Waiter {
  readonly offset: number;
  readonly settled: Deferred<void>;
  timer: Timer | null;
}

export class OffsetWaiters {
  readonly #clock: Clock;
  readonly #waiters: Waiter[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#waiters.length;
  }

  /** Resolves when `onAdvance` passes the offset; rejects REQUEST_TIMED_OUT at the deadline. */
  wait(offset: number, deadlineMs: number): Promise<void> {
    const waiter: Waiter = { offset, settled: new Deferred<void>(), timer: null };
    // Appends come in order, so the place is nearly always the end.
    let index = this.#waiters.length;
    while (index > 0 && (this.#waiters[index - 1] as Waiter).offset > offset) index--;
    this.#waiters.splice(index, 0, waiter);
    const delayMs = deadlineMs - this.#clock.monotonic();
    waiter.timer = this.#clock.after(Math.max(0, delayMs), () => {
      const position = this.#waiters.indexOf(waiter);
      if (position >= 0) this.#waiters.splice(position, 1);
      waiter.settled.reject(new KafkaError('REQUEST_TIMED_OUT'));
    });
    return waiter.settled.promise;
  }

  onAdvance(offset: number): void {
    let count = 0;
    while (count < this.#waiters.length && (this.#waiters[count] as Waiter).offset <= offset) {
      count++;
    }
    if (count === 0) return;
    for (const waiter of this.#waiters.splice(0, count)) {
      waiter.timer?.cancel();
      waiter.settled.resolve();
    }
  }

  /** The role changed or the disk failed: everybody learns it now instead of at the deadline. */
  failAll(error: KafkaError): void {
    for (const waiter of this.#waiters.splice(0)) {
      waiter.timer?.cancel();
      waiter.settled.reject(error);
    }
  }
}
