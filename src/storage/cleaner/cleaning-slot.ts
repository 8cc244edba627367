// The cleaning of a log that is under way, if there is one: one at a time. Retention waits for its
// end, a truncation ends it.

import type { Io } from '../../io/index.ts';
import type { LogState } from '../log/log-state.ts';
import { type CleaningRequest, type CleaningResult, LogCleaning } from './log-cleaning.ts';
import { CleaningStopped } from './replace-segments.ts';

export class CleaningSlot {
  readonly #io: Io;
  readonly #log: LogState;
  readonly #makeDurable: () => Promise<void>;
  #current: LogCleaning | null = null;

  /** @param makeDurable the log as it is at the call, and the checkpoint that says so */
  constructor(io: Io, log: LogState, makeDurable: () => Promise<void>) {
    this.#io = io;
    this.#log = log;
    this.#makeDurable = makeDurable;
  }

  get isBusy(): boolean {
    return this.#current !== null;
  }

  /** @param after a truncation that is under way: the cleaning begins when it is over */
  async clean(
    request: CleaningRequest,
    after: Promise<void> | null = null,
  ): Promise<CleaningResult | null> {
    if (this.#current !== null) throw new CleaningStopped();
    const cleaning = new LogCleaning(this.#io, this.#log, {
      ...request,
      makeDurable: this.#makeDurable,
      after,
    });
    this.#current = cleaning;
    try {
      return await cleaning.run();
    } finally {
      this.#current = null;
    }
  }

  /** Resolves when no file of the log is being changed any more. */
  async stop(): Promise<void> {
    await this.#current?.stop();
  }
}
