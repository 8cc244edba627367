// A byte budget over things that can be dropped and loaded again. The thing used least recently
// is dropped first; one thing may be larger than the whole budget and then stays alone.

export interface Droppable {
  drop(): void;
}

export class LruBudget {
  readonly #bytesMax: number;
  readonly #sizes = new Map<Droppable, number>();
  #usedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The thing is in use and takes so much memory now. */
  use(thing: Droppable, sizeBytes: number): void {
    this.forget(thing);
    this.#sizes.set(thing, sizeBytes);
    this.#usedBytes += sizeBytes;
    for (const oldest of this.#sizes.keys()) {
      if (this.#usedBytes <= this.#bytesMax || oldest === thing) break;
      this.forget(oldest);
      oldest.drop();
    }
  }

  forget(thing: Droppable): void {
    const sizeBytes = this.#sizes.get(thing);
    if (sizeBytes === undefined) return;
    this.#sizes.delete(thing);
    this.#usedBytes -= sizeBytes;
  }
}
