// What the connections of a listener that have not authenticated have us hold, all together.
//
// Invariant: the sum is bounded, and who is cut off for it is the one that holds the most: a client
// that proves who it is needs a few hundred bytes, and is never the one.

import type { ServerConnection } from '../network/index.ts';

export type Unproven = Pick<ServerConnection, 'heldBytes' | 'onReceived' | 'close'>;

export class UnprovenBytes {
  readonly #bytesMax: number;
  readonly #held = new Map<Unproven, number>();
  #sum = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get sum(): number {
    return this.#sum;
  }

  /** Call the result when the connection has authenticated, or is gone. */
  watch(connection: Unproven): () => void {
    this.#held.set(connection, 0);
    connection.onReceived = () => this.#onReceived(connection);
    return () => {
      connection.onReceived = null;
      this.#sum -= this.#held.get(connection) ?? 0;
      this.#held.delete(connection);
    };
  }

  #onReceived(connection: Unproven): void {
    const { heldBytes } = connection;
    this.#sum += heldBytes - (this.#held.get(connection) ?? 0);
    this.#held.set(connection, heldBytes);
    if (this.#sum > this.#bytesMax) this.#cutLargest();
  }

  #cutLargest(): void {
    const [first, ...others] = this.#held;
    if (first === undefined) return;
    const [largest, bytes] = others.reduce((a, b) => (b[1] > a[1] ? b : a), first);
    const whose = 'connections that have not authenticated';
    const why = `${whose} had ${this.#sum} bytes held, and this one the most: ${bytes}`;
    // What it is counted for ends with it, which a socket says later.
    this.#sum -= bytes;
    this.#held.set(largest, 0);
    largest.close(new Error(why));
  }
}
