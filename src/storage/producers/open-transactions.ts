// The first offsets of a log's open transactions, of which the first one is asked for by every
// fetch. A Map or Set does not give it in constant time: it walks over the holes of all that were
// deleted before.
//
// Invariant: they are added in ascending order.

import { Queue } from '../../base/queue.ts';

const CLOSED_MIN = 64;

export class OpenTransactions {
  readonly #open = new Set<number>();
  /** In order, those that are open and some that have ended since. */
  #order = new Queue<number>();

  get size(): number {
    return this.#open.size;
  }

  get first(): number | null {
    let { first } = this.#order;
    while (first !== undefined && !this.#open.has(first)) {
      this.#order.shift();
      first = this.#order.first;
    }
    return first ?? null;
  }

  add(firstOffset: number): void {
    if (this.#open.has(firstOffset)) return;
    this.#open.add(firstOffset);
    this.#order.push(firstOffset);
  }

  /** False if there is none. */
  delete(firstOffset: number): boolean {
    const wasOpen = this.#open.delete(firstOffset);
    // One that stays open for long keeps all that ended behind it.
    if (this.#order.length > 2 * this.#open.size + CLOSED_MIN) {
      this.#order = new Queue();
      for (const offset of this.#open) this.#order.push(offset);
    }
    return wasOpen;
  }

  clear(): void {
    this.#open.clear();
    this.#order = new Queue();
  }
}
