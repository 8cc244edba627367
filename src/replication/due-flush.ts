// What a topic wants on the platter before it counts as written (flush.messages): up to where, who
// waits for it, and the flushes that bring it there. Made with the first append that asks for it.
//
// Invariants: one flush at a time, appends that come while it runs share the next one; it ends when
// nothing of what is in the log is due any more, also if a truncation took what was.

import type { Clock, Timer } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { OffsetWaiters } from './offset-waiters.ts';

/** The side of a log that is flushed. */
export interface FlushedLog {
  readonly logEndOffset: number;
  readonly recoveryPoint: number;
  flush(): Promise<void>;
}

export interface DueFlushOptions {
  /** Asked again after each flush: a move may have replaced it. */
  readonly log: () => FlushedLog;
  readonly onFlushed: () => void;
  /** A flush failed that may be tried again, and will be. */
  readonly onPostponed: (error: KafkaError) => void;
}

/** How long a flush for which there was no room waits for some. */
const retryMs = 1000;

export class DueFlush {
  readonly #clock: Clock;
  readonly #options: DueFlushOptions;
  readonly #waiters: OffsetWaiters;
  /** Records below it must be on the platter. */
  #dueOffset = 0;
  #isFlushing = false;
  #isOver = false;
  #retry: Timer | null = null;

  constructor(clock: Clock, options: DueFlushOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#waiters = new OffsetWaiters(clock);
  }

  /** What of the log counts as written. */
  get writtenEnd(): number {
    const { logEndOffset, recoveryPoint } = this.#options.log();
    return recoveryPoint >= this.#dueOffset ? logEndOffset : recoveryPoint;
  }

  isPending(offset: number): boolean {
    const { logEndOffset, recoveryPoint } = this.#options.log();
    return recoveryPoint < Math.min(offset, this.#dueOffset, logEndOffset);
  }

  async wait(offset: number, deadlineMs: number): Promise<void> {
    await this.#waiters.wait(Math.min(offset, this.#dueOffset), deadlineMs);
  }

  demand(offset: number): void {
    this.#dueOffset = offset;
    void this.#flush();
  }

  /** What was due may be on the platter of another log alone. */
  onLogReplaced(): void {
    void this.#flush();
  }

  /** What is appended behind the cut is due when it says so itself. */
  onTruncated(logEndOffset: number): void {
    this.#dueOffset = Math.min(this.#dueOffset, logEndOffset);
  }

  failAll(error: KafkaError): void {
    this.#waiters.failAll(error);
  }

  /** The directory cannot be trusted any more, or the partition is closed. */
  end(error: KafkaError): void {
    this.#isOver = true;
    this.#retry?.cancel();
    this.failAll(error);
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      while (!this.#isOver && this.isPending(Number.POSITIVE_INFINITY)) {
        const log = this.#options.log();
        await log.flush();
        this.#waiters.onAdvance(this.#options.log().recoveryPoint);
        this.#options.onFlushed();
      }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#onFailed(error);
    } finally {
      this.#isFlushing = false;
    }
  }

  /**
   * After a failed sync the directory has taken us offline before we hear of it. Otherwise the
   * disk had no room for what goes along with the sync, and may have some later.
   */
  #onFailed(error: KafkaError): void {
    if (this.#isOver) return;
    this.failAll(error);
    this.#options.onPostponed(error);
    this.#retry = this.#clock.after(retryMs, () => void this.#flush());
  }
}
