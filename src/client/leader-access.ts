// Connections to leaders and newer metadata for those who work in rounds (sender, fetcher): asked
// for without waiting, and another round follows when there is news.
//
// Invariants: one attempt per broker is under way at most, and one refresh within the retry pause;
// after a failed attempt the next round comes with the refresh, as at once would be a loop
// without a pause.

import { type Client, messageOf } from './client.ts';

export class LeaderAccess {
  readonly #client: Client;
  readonly #onNews: () => void;
  readonly #connecting = new Set<number>();
  #refreshing = false;
  #closed = false;

  constructor(client: Client, onNews: () => void) {
    this.#client = client;
    this.#onNews = onNews;
  }

  connect(nodeId: number): void {
    if (this.#connecting.has(nodeId)) return;
    this.#connecting.add(nodeId);
    this.#client.connectionTo(nodeId).then(
      () => {
        this.#connecting.delete(nodeId);
        this.#onNews();
      },
      (error: unknown) => {
        this.#connecting.delete(nodeId);
        this.#warn('no connection', { broker: nodeId, error: messageOf(error) });
        this.refreshMetadata();
      },
    );
  }

  /** Not more often than the retry pause; a round follows at once and after the pause. */
  refreshMetadata(): void {
    if (this.#refreshing || this.#closed) return;
    this.#refreshing = true;
    const client = this.#client;
    client
      .refresh()
      .catch((error: unknown) => {
        this.#warn('metadata refresh failed', { error: messageOf(error) });
      })
      .finally(() => {
        this.#onNews();
        client.io.clock.after(client.backoff.delayMs(1), () => {
          this.#refreshing = false;
          this.#onNews();
        });
      });
  }

  close(): void {
    this.#closed = true;
  }

  #warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    if (!this.#closed) this.#client.log.warn(message, fields);
  }
}
