// When a log must be flushed by itself: flush.messages records, or flush.ms, after the last flush
// began. Both are off by default, and the broker's replicas are what keeps a record.

import type { Clock } from '../../io/index.ts';
import type { LogConfig } from './log-config.ts';

export class FlushPolicy {
  readonly #clock: Clock;
  #recordsSinceFlush = 0;
  #oldestUnflushedMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True if the records are the ones that flush.messages waits for. */
  onAppend(recordCount: number, config: LogConfig): boolean {
    this.#recordsSinceFlush += recordCount;
    if (config.flushMs < Number.MAX_SAFE_INTEGER) this.#oldestUnflushedMs ??= this.#clock.now();
    return this.#recordsSinceFlush >= config.flushMessages;
  }

  onFlush(): void {
    this.#recordsSinceFlush = 0;
    this.#oldestUnflushedMs = null;
  }

  /** flush.ms is over. */
  isDue(nowMs: number, config: LogConfig): boolean {
    return this.#oldestUnflushedMs !== null && nowMs - this.#oldestUnflushedMs >= config.flushMs;
  }
}
