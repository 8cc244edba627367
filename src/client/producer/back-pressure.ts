// How much a producer holds, and who waits for what: records for room in buffer.memory, writers for
// it to be drained, flush and close for all of it to be settled.
//
// Invariant: records that wait for room are accepted in their order, before any that comes later.

import { Deferred } from '../../base/deferred.ts';
import type { Clock } from '../../io/index.ts';
import type { ResolvedProducerOptions } from './producer-options.ts';
import type { RecordAccumulator } from './record-accumulator.ts';
import { type Entry, RoomWaiters } from './room-waiters.ts';
import type { Sender } from './sender.ts';

export class BackPressure {
  /** Called with a record for which there is room now. */
  onAdmitted: (entry: Entry) => void = () => {};
  /** Called with a record for which there was none in time. */
  onExpired: (error: Error, entry: Entry) => void = () => {};
  readonly #accumulator: RecordAccumulator;
  readonly #sender: Sender;
  readonly #bufferMemoryBytes: number;
  readonly #waiters: RoomWaiters;
  #waitingCount = 0;
  #waitingBytes = 0;
  #drained: Deferred<void> | null = null;
  #emptied: Deferred<void> | null = null;
  #isFull = false;

  constructor(
    clock: Clock,
    options: ResolvedProducerOptions,
    accumulator: RecordAccumulator,
    sender: Sender,
  ) {
    this.#accumulator = accumulator;
    this.#sender = sender;
    this.#bufferMemoryBytes = options.bufferMemoryBytes;
    this.#waiters = new RoomWaiters(clock, options.maxBlockMs);
    this.#waiters.onExpired = (error, entry) => {
      this.#waitingCount--;
      sender.metrics.onExhausted();
      this.onExpired(error, entry);
    };
    this.#waiters.onWaited = (ms) => sender.metrics.onTime('bufferpool-wait', ms);
  }

  get bufferedBytes(): number {
    return this.#accumulator.memoryBytes + this.#waitingBytes;
  }

  get hasRoom(): boolean {
    return this.bufferedBytes < this.#bufferMemoryBytes;
  }

  /** Records that wait for room. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /** Whether a record that comes now has to wait. */
  get isBlocked(): boolean {
    return this.#waiters.length > 0 || !this.hasRoom;
  }

  /** So many records more, or less, wait to be put into a batch; what they take, roughly. */
  onWaiting(count: number, bytes: number): void {
    if (count > 0) this.#sender.setBusy(true);
    this.#waitingCount += count;
    this.#waitingBytes += bytes;
  }

  waitForRoom(entry: Entry): void {
    this.#sender.setBusy(true);
    this.#waiters.push(entry);
    this.#waitingCount++;
    this.hurryWhileFull();
  }

  /** Open batches do not linger while others wait for their memory. */
  hurryWhileFull(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#sender.hurry++;
    this.#sender.wake();
  }

  /** Records were settled, or came into batches. */
  onProgress(): void {
    if (this.hasRoom) this.#onRoom();
    this.maybeEmptied();
  }

  maybeEmptied(): void {
    if (this.#accumulator.incomplete.size > 0 || this.#waitingCount > 0) return;
    this.#sender.setBusy(false);
    this.#emptied?.resolve();
    this.#emptied = null;
  }

  /** Resolves when there is room. */
  async drained(): Promise<void> {
    if (this.hasRoom) return;
    this.#drained ??= new Deferred();
    await this.#drained.promise;
  }

  /** Resolves when every record accepted so far is settled; none of them lingers. */
  async settled(): Promise<void> {
    this.#sender.hurry++;
    this.#sender.wake();
    try {
      while (this.#accumulator.incomplete.size > 0 || this.#waitingCount > 0) {
        this.#emptied ??= new Deferred();
        await this.#emptied.promise;
      }
    } finally {
      this.#sender.hurry--;
    }
  }

  /** Nothing waits any more: those that waited for room are given back to be refused. */
  drop(): Iterable<Entry> {
    this.#waitingCount = 0;
    this.#waitingBytes = 0;
    return this.#waiters.drain();
  }

  close(): void {
    this.#waiters.close();
  }

  #onRoom(): void {
    while (this.#waiters.length > 0 && this.hasRoom) {
      this.#waitingCount--;
      this.onAdmitted(this.#waiters.shift() as Entry);
    }
    if (!this.hasRoom) return;
    if (this.#isFull) {
      this.#isFull = false;
      this.#sender.hurry--;
    }
    this.#drained?.resolve();
    this.#drained = null;
  }
}
