// Records that wait for room in buffer.memory: in order, each for as long as max.block.ms allows.

import { Queue } from '../../base/queue.ts';
import type { Clock, Timer } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { DeliveryCallback, ProducerRecord } from './producer-record.ts';

export interface Entry {
  readonly record: ProducerRecord;
  readonly callback: DeliveryCallback | null;
}

interface RoomWaiter extends Entry {
  readonly deadlineMs: number;
}

export class RoomWaiters {
  /** Called with what waited for too long, which waits no longer. */
  onExpired: (error: Error, entry: Entry) => void = () => {};
  /** Called with how long a record has waited. */
  onWaited: (elapsedMs: number) => void = () => {};
  readonly #clock: Clock;
  readonly #maxBlockMs: number;
  readonly #queue = new Queue<RoomWaiter>();
  #timer: Timer | null = null;

  constructor(clock: Clock, maxBlockMs: number) {
    this.#clock = clock;
    this.#maxBlockMs = maxBlockMs;
  }

  get length(): number {
    return this.#queue.length;
  }

  push(entry: Entry): void {
    const { record, callback } = entry;
    const deadlineMs = this.#clock.monotonic() + this.#maxBlockMs;
    this.#queue.push({ record, callback, deadlineMs });
    this.#watch();
  }

  shift(): Entry | undefined {
    const next = this.#queue.shift();
    if (next !== undefined) this.#onWaited(next);
    return next;
  }

  drain(): Iterable<Entry> {
    return this.#queue.drain();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #onWaited({ deadlineMs }: RoomWaiter): void {
    this.onWaited(this.#clock.monotonic() - (deadlineMs - this.#maxBlockMs));
  }

  #watch(): void {
    const { first } = this.#queue;
    if (first === undefined || this.#timer !== null) return;
    const delayMs = Math.max(0, first.deadlineMs - this.#clock.monotonic());
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = null;
      const nowMs = this.#clock.monotonic();
      for (let next = this.#queue.first; next; next = this.#queue.first) {
        if (next.deadlineMs > nowMs) break;
        this.#queue.shift();
        this.#onWaited(next);
        const message = `no room in buffer.memory within ${this.#maxBlockMs} ms`;
        this.onExpired(new KafkaError('REQUEST_TIMED_OUT', message), next);
      }
      this.#watch();
    });
  }
}
