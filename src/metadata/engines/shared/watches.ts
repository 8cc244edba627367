// The readers of the log in this process. Each is handed what was committed as the news comes, and
// after an outage goes on where it was.
//
// Invariants: one thing at a time is done for a reader (start or resume); one that lost the
// connection in the middle is resumed with the next, one that met anything else has failed.

import type { StoreBatch, StoreWatcher, Subscription } from '../../cluster-store.ts';
import { type FollowedLog, LogFollower } from '../../log-follower.ts';
import { LinkLostError, StoreAwayError } from './client-link.ts';

interface Watch {
  readonly follower: LogFollower;
  isBusy: boolean;
  mustResume: boolean;
}

export class Watches {
  readonly #log: FollowedLog;
  readonly #open = new Set<Watch>();

  constructor(log: FollowedLog) {
    this.#log = log;
  }

  /** Resolves when the watcher has all that the log is known to have. */
  async add(from: number, watcher: StoreWatcher): Promise<Subscription> {
    const follower = new LogFollower(this.#log, from, watcher);
    const watch: Watch = { follower, isBusy: true, mustResume: false };
    const close = (): void => {
      follower.close();
      this.#open.delete(watch);
    };
    this.#open.add(watch);
    try {
      await this.#start(follower);
    } catch (error) {
      close();
      throw error;
    }
    watch.isBusy = false;
    if (watch.mustResume) void this.#resume(watch);
    return { close };
  }

  async #start(follower: LogFollower): Promise<void> {
    for (;;) {
      try {
        await follower.start();
        return;
      } catch (error) {
        const isAway = error instanceof StoreAwayError;
        if (isAway || !(error instanceof LinkLostError)) throw error;
      }
    }
  }

  /** A batch was committed, none between it and the last one that was offered. */
  offer(batch: StoreBatch): void {
    for (const { follower } of [...this.#open]) follower.offer(batch);
  }

  /** There is a connection again: what was committed meanwhile is read. */
  resume(): void {
    for (const watch of this.#open) void this.#resume(watch);
  }

  async #resume(watch: Watch): Promise<void> {
    watch.mustResume = true;
    if (watch.isBusy) return;
    watch.isBusy = true;
    while (watch.mustResume) {
      watch.mustResume = false;
      try {
        await watch.follower.resume();
      } catch (error) {
        if (error instanceof LinkLostError) continue;
        this.#open.delete(watch);
        watch.follower.fail(error as Error);
      }
    }
    watch.isBusy = false;
  }

  /** The log is not the one that was followed. */
  fail(error: Error): void {
    const failed = [...this.#open];
    this.#open.clear();
    for (const { follower } of failed) follower.fail(error);
  }

  close(): void {
    for (const { follower } of this.#open) follower.close();
    this.#open.clear();
  }
}
