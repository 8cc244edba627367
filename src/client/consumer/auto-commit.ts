// enable.auto.commit: positions are committed within poll, every autoCommitIntervalMs, before
// partitions are given up, and at the end. What poll has returned counts as done when the next
// poll begins, so nothing is committed in between.

import { KafkaError } from '../../protocol/index.ts';
import { type Client, messageOf } from '../client.ts';
import type { GroupOffsets, OffsetToCommit } from './group-offsets.ts';

export class AutoCommit {
  readonly #client: Client;
  readonly #offsets: GroupOffsets;
  readonly #intervalMs: number;
  readonly #positions: () => OffsetToCommit[];
  #dueMs: number;
  #isCommitting = false;

  constructor(
    client: Client,
    offsets: GroupOffsets,
    intervalMs: number,
    positions: () => OffsetToCommit[],
  ) {
    this.#client = client;
    this.#offsets = offsets;
    this.#intervalMs = intervalMs;
    this.#positions = positions;
    this.#dueMs = client.io.clock.monotonic() + intervalMs;
  }

  /** Commits in the background if it is time; a failure is repeated soon. */
  maybeCommit(): void {
    const nowMs = this.#client.io.clock.monotonic();
    if (nowMs < this.#dueMs || this.#isCommitting) return;
    this.#dueMs = nowMs + this.#intervalMs;
    this.#isCommitting = true;
    void this.commitNow(this.#client.options.requestTimeoutMs).then((isDone) => {
      this.#isCommitting = false;
      if (isDone) return;
      const { retryBackoffMs } = this.#client.options;
      this.#dueMs = Math.min(this.#dueMs, this.#client.io.clock.monotonic() + retryBackoffMs);
    });
  }

  /** Waits for the answer, but fails silently: the records will be read again (at least once). */
  async commitNow(timeoutMs: number): Promise<boolean> {
    try {
      await this.#offsets.commit(this.#positions(), { timeoutMs });
      return true;
    } catch (error) {
      if (this.#client.isClosed) return true;
      // Within a rebalance that is how it is: they were committed when it began.
      const isUsual = error instanceof KafkaError && error.errorName === 'REBALANCE_IN_PROGRESS';
      const level = isUsual ? 'debug' : 'warn';
      this.#client.log[level]('positions were not committed', { reason: messageOf(error) });
      return false;
    }
  }
}
