// First in, first out, in constant time: `shift()` of a long array moves all that is left of it,
// which makes a queue of a hundred thousand quadratic.

/** What was taken is let go of once it is the larger part, so that each item moves once or so. */
const TAKEN_MIN = 64;

export class Queue<T> {
  #items: (T | undefined)[] = [];
  #taken = 0;

  get length(): number {
    return this.#items.length - this.#taken;
  }

  /** The next one to be taken. */
  get first(): T | undefined {
    return this.#items[this.#taken];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes all that are left. */
  drain(): T[] {
    const items = this.#items.slice(this.#taken) as T[];
    this.#items = [];
    this.#taken = 0;
    return items;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#taken];
    this.#items[this.#taken++] = undefined;
    if (this.#taken >= TAKEN_MIN && this.#taken * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return item;
  }
}
