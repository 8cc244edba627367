// The readers of the log in this process, for engines that reach their store over a network. Each
// is handed what was committed as the news comes, and after an outage goes on where it was.
//
// Invariants: one thing at a time is done for a reader (start or resume); one that was interrupted
// is resumed with the next `resume`, one that met anything else has failed.

import {
  type StoreBatch,
  StoreRolledBackError,
  type StoreWatcher,
  type Subscription,
} from './cluster-store.ts';
import { type FollowedLog, LogFollower } from './log-follower.ts';

/**
 * What an error means that a reader met: `again`: the same may succeed now; `away`: when the store
 * is back (whoever begins is told); null: it is no interruption.
 */
export type Interruption = 'again' | 'away' | null;

interface Watch {
  readonly follower: LogFollower;
  isBusy: boolean;
  mustResume: boolean;
  mustCompare: boolean;
}

export class LogWatches {
  readonly #log: FollowedLog;
  readonly #interruptionBy: (error: unknown) => Interruption;
  readonly #onRolledBack: (error: StoreRolledBackError) => void;
  readonly #open = new Set<Watch>();

  /** @param onRolledBack a reader has found that the log is not the one that it has read */
  constructor(
    log: FollowedLog,
    interruptionBy: (error: unknown) => Interruption,
    onRolledBack: (error: StoreRolledBackError) => void = () => {},
  ) {
    this.#log = log;
    this.#interruptionBy = interruptionBy;
    this.#onRolledBack = onRolledBack;
  }

  /**
   * Resolves when the watcher has all that the log is known to have.
   * @param patiently repeats its argument while the store is away: the reader goes on where it was
   */
  async add(
    from: number,
    watcher: StoreWatcher,
    patiently = (begin: () => Promise<void>) => begin(),
  ): Promise<Subscription> {
    const follower = new LogFollower(this.#log, from, watcher);
    const watch: Watch = { follower, isBusy: true, mustResume: false, mustCompare: false };
    const close = (): void => {
      follower.close();
      this.#open.delete(watch);
    };
    this.#open.add(watch);
    try {
      await patiently(() => this.#start(follower));
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
        if (this.#interruptionBy(error) !== 'again') throw error;
      }
    }
  }

  /** A batch was committed, none between it and the last one that was offered. */
  offer(batch: StoreBatch): void {
    for (const { follower } of [...this.#open]) follower.offer(batch);
  }

  /** The store is away: what is offered before the next `resume` may be of another branch. */
  suspend(): void {
    for (const { follower } of this.#open) follower.suspend();
  }

  /**
   * What was committed meanwhile is read.
   * @param mustCompare nobody knows what became of the log: also one that did not grow is looked at
   */
  resume(mustCompare = false): void {
    for (const watch of this.#open) {
      watch.mustCompare ||= mustCompare;
      void this.#resume(watch);
    }
  }

  async #resume(watch: Watch): Promise<void> {
    watch.mustResume = true;
    if (watch.isBusy) return;
    watch.isBusy = true;
    while (watch.mustResume) {
      watch.mustResume = false;
      try {
        if (watch.mustCompare) await watch.follower.compare();
        watch.mustCompare = false;
        await watch.follower.resume();
      } catch (error) {
        if (this.#interruptionBy(error) !== null) continue;
        this.#open.delete(watch);
        watch.follower.fail(error as Error);
        if (error instanceof StoreRolledBackError) this.#onRolledBack(error);
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
