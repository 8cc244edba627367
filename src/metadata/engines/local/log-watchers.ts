// Readers that follow the log: each first catches up from disk at its own pace, then is handed
// every batch in the turn in which it is committed.
//
// Invariant: a reader's batches are in order and without a gap. It goes live in the same turn in
// which it saw that nothing is left to read, so no commit can fall between.

import type { StoreBatch, StoreSnapshot, StoreWatcher, Subscription } from '../../cluster-store.ts';

export interface WatchedLog {
  endOffset(): number;
  newestSnapshot(): Promise<StoreSnapshot | null>;
  read(from: number): AsyncIterable<StoreBatch>;
}

export class LogWatchers {
  readonly #log: WatchedLog;
  readonly #live = new Set<StoreWatcher>();
  #isClosed = false;

  constructor(log: WatchedLog) {
    this.#log = log;
  }

  async add(from: number, watcher: StoreWatcher): Promise<Subscription> {
    let next = from;
    const snapshot = await this.#log.newestSnapshot();
    if (snapshot !== null && snapshot.endOffset > next) {
      watcher.onSnapshot(snapshot);
      next = snapshot.endOffset;
    }
    while (next < this.#log.endOffset() && !this.#isClosed) {
      for await (const batch of this.#log.read(next)) {
        watcher.onBatch(batch);
        next = batch.endOffset;
      }
    }
    if (!this.#isClosed) this.#live.add(watcher);
    return { close: () => this.#live.delete(watcher) };
  }

  onCommitted(batch: StoreBatch): void {
    for (const watcher of [...this.#live]) watcher.onBatch(batch);
  }

  onError(error: Error): void {
    const live = [...this.#live];
    this.#live.clear();
    for (const watcher of live) watcher.onError(error);
  }

  close(): void {
    this.#isClosed = true;
    this.#live.clear();
  }
}
