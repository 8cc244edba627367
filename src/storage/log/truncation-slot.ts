// The truncation of a log that is under way, if there is one: one at a time, and nothing else
// changes the log meanwhile. What can wait waits for its end; appends cannot, and are refused.

import { KafkaError } from '../../protocol/index.ts';

/** Only a follower is truncated: whoever takes it for the leader asks again. */
export class LogTruncating extends KafkaError {
  constructor(directory: string) {
    super('NOT_LEADER_OR_FOLLOWER', `the log ${directory} is being truncated: try again`);
    this.name = 'LogTruncating';
  }
}

/** No room for what is written before a cut: nothing was cut, and it may be tried again. */
export class TruncationPostponed extends KafkaError {
  constructor(cause: Error) {
    super('KAFKA_STORAGE_ERROR', cause.message);
    this.name = 'TruncationPostponed';
    this.cause = cause;
  }
}

export class TruncationSlot {
  #current: Promise<void> | null = null;
  #count = 0;

  /** The one that is under way: fails as it does. */
  get current(): Promise<void> | null {
    return this.#current;
  }

  /** Of those that are over. */
  get count(): number {
    return this.#count;
  }

  /** @throws LogTruncating */
  assertNone(directory: string): void {
    if (this.#current !== null) throw new LogTruncating(directory);
  }

  /** Truncates when those before it are over. */
  async run(truncate: () => Promise<void>): Promise<void> {
    await this.after(async () => {
      this.#current = truncate().finally(() => {
        this.#current = null;
        this.#count++;
      });
      await this.#current;
    });
  }

  /** Begins the work in a moment in which no truncation is under way, at once if there is none. */
  async after<T>(work: () => Promise<T>): Promise<T> {
    // What became of it is its caller's to hear, and the log's state says it to the work.
    while (this.#current !== null) await Promise.allSettled([this.#current]);
    return await work();
  }
}
