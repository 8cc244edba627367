// Tells the controller which partitions are in a log directory that failed or is not there, so that
// clients hear of partitions without a leader instead of asking this broker again and again.
//
// Invariant: what the controller could not be told is told again until it was, or the broker stops.

import type { Io, Log, Timer } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';

const retryMsMin = 100;
const retryMsMax = 10_000;

export interface OfflineReportOptions {
  /** Tells of all that is offline now. @throws KafkaError if the controller does not take it */
  readonly send: () => Promise<void>;
  /** Anything but a KafkaError is a bug: the broker cannot go on. */
  readonly onBug: (error: Error) => void;
}

export class OfflineReport {
  readonly #io: Io;
  readonly #log: Log;
  readonly #options: OfflineReportOptions;
  #retryMs = retryMsMin;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(io: Io, options: OfflineReportOptions) {
    this.#io = io;
    this.#log = io.log.child('broker');
    this.#options = options;
  }

  /** Something went offline. */
  begin(): void {
    if (this.#isStopped || this.#timer !== null) return;
    this.#options.send().then(
      () => {
        this.#retryMs = retryMsMin;
      },
      (error: Error) => this.#onFailed(error),
    );
  }

  #onFailed(error: Error): void {
    if (!(error instanceof KafkaError)) {
      this.#options.onBug(error);
      return;
    }
    if (this.#isStopped || this.#timer !== null) return;
    this.#log.warn('the controller is told again of the failed directory', {
      because: error.message,
      inMs: this.#retryMs,
    });
    this.#timer = this.#io.clock.after(this.#retryMs, () => {
      this.#timer = null;
      this.begin();
    });
    this.#retryMs = Math.min(2 * this.#retryMs, retryMsMax);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }
}
