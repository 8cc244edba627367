// Snapshots on their way through one connection, a piece at a time in either direction, so that
// none is ever whole in a frame. What is under way ends with the connection.

import { Deferred } from '../../../base/deferred.ts';
import { KafkaError } from '../../../protocol/index.ts';
import type { StoreSnapshot } from '../../cluster-store.ts';

const openMax = 8;

type Piece = readonly Buffer[];

/** Snapshots that the client is reading. */
export class SnapshotReads {
  readonly #open = new Map<number, AsyncIterator<Piece>>();
  #nextId = 0;

  add(snapshot: StoreSnapshot): number {
    const id = this.#nextId++;
    this.#open.set(id, iterate(snapshot.pieces));
    // A client that begins anew forgets the one before.
    const oldest = this.#open.keys().next().value as number;
    if (this.#open.size > openMax) this.#open.delete(oldest);
    return id;
  }

  async next(id: number): Promise<{ records: Piece; isEnd: boolean }> {
    const pieces = this.#open.get(id);
    if (pieces === undefined) throw new KafkaError('INVALID_REQUEST', `no snapshot ${id} is open`);
    const { done, value } = await pieces.next();
    if (done !== true) return { records: value, isEnd: false };
    this.#open.delete(id);
    return { records: [], isEnd: true };
  }
}

async function* iterate(pieces: StoreSnapshot['pieces']): AsyncGenerator<Piece, void, undefined> {
  yield* pieces;
}

/** The snapshot that the client is writing. */
export class SnapshotWrite {
  /** The store's work on it. */
  readonly #saved: Promise<void>;
  readonly #queue: { piece: Piece; taken: Deferred<void> }[] = [];
  #arrived = new Deferred<void>();
  #isWhole = false;
  #failure: Error | null = null;

  constructor(save: (pieces: AsyncIterable<Piece>) => Promise<void>) {
    this.#saved = save(this.#pieces());
    this.#saved.catch(() => {});
  }

  async *#pieces(): AsyncGenerator<Piece, void, undefined> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const next = this.#queue.shift();
      if (next !== undefined) {
        yield next.piece;
        next.taken.resolve();
      } else if (this.#isWhole) {
        return;
      } else {
        await this.#arrived.promise;
      }
    }
  }

  #wake(): void {
    this.#arrived.resolve();
    this.#arrived = new Deferred();
  }

  /** Resolves when the store has taken it; rejects with why the store gave up. */
  async add(piece: Piece): Promise<void> {
    const taken = new Deferred<void>();
    this.#queue.push({ piece, taken });
    this.#wake();
    await Promise.race([taken.promise, this.#saved]);
  }

  async finish(): Promise<void> {
    this.#isWhole = true;
    this.#wake();
    await this.#saved;
  }

  /** There will be no more pieces, and this is no snapshot. */
  abort(why: string): void {
    this.#failure ??= new KafkaError('NETWORK_EXCEPTION', why);
    this.#wake();
  }
}
