// A binary heap: the least item first, by the order given. Items that compare as equal come out in
// no particular order, so an order that matters must break its ties itself.

export class Heap<T> {
  readonly #isLess: (left: T, right: T) => boolean;
  readonly #items: T[] = [];

  constructor(isLess: (left: T, right: T) => boolean) {
    this.#isLess = isLess;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let index = items.length;
    items.push(item);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = items[parent] as T;
      if (!this.#isLess(item, above)) break;
      items[index] = above;
      index = parent;
    }
    items[index] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const least = items[0];
    const last = items.pop();
    if (items.length > 0) this.#sink(last as T);
    return least;
  }

  #sink(item: T): void {
    const items = this.#items;
    const size = items.length;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && this.#isLess(items[right] as T, items[child] as T)) child = right;
      const below = items[child] as T;
      if (!this.#isLess(below, item)) break;
      items[index] = below;
      index = child;
    }
    items[index] = item;
  }
}
