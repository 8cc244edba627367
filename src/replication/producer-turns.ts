// The batches of one producer in one partition keep their order while the first of them waits for
// the coordinator of its transaction: whoever comes meanwhile takes a turn behind it.
//
// Invariant: turns of a producer come up in the order in which they were taken, each when all
// before it are over; a producer that nobody waits for is not remembered.

export interface Turn {
  /** Resolves when it is this one's turn; never rejects. */
  readonly up: Promise<void>;
  /** Lets the next one come up. Every turn must be ended. */
  end(): void;
}

export class ProducerTurns {
  readonly #last = new Map<number, Promise<void>>();

  isWaitedFor(producerId: number): boolean {
    return this.#last.has(producerId);
  }

  take(producerId: number): Turn {
    const up = this.#last.get(producerId) ?? Promise.resolve();
    let resolve = (): void => {};
    const over = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#last.set(producerId, over);
    const end = (): void => {
      if (this.#last.get(producerId) === over) this.#last.delete(producerId);
      resolve();
    };
    return { up, end };
  }
}
