// A bucket that fills with `limit` tokens per second up to a whole window's worth, and may be
// emptied below zero by one large withdrawal (KIP-599): changes of topics come in lumps, which an
// average over samples would punish long after they were paid for.
//
// Invariant: the bucket never holds more than samples x sample length x limit.

import type { WindowOptions } from './sampled-rate.ts';

export class TokenBucket {
  readonly #windowS: number;
  #tokens = 0;
  #updatedMs: number;

  constructor({ samples, sampleMs }: WindowOptions, limit: number, nowMs: number) {
    this.#windowS = (samples * sampleMs) / 1000;
    this.#tokens = this.#windowS * limit;
    this.#updatedMs = nowMs;
  }

  withdraw(tokens: number, limit: number, nowMs: number): void {
    this.#refill(limit, nowMs);
    this.#tokens -= tokens;
  }

  /** Until the bucket is no longer below zero; 0 when it is not. */
  throttleMs(limit: number, nowMs: number): number {
    this.#refill(limit, nowMs);
    return this.#tokens >= 0 ? 0 : Math.round((-this.#tokens / limit) * 1000);
  }

  /**
   * The most that can be withdrawn without a rest afterwards, in whole tokens; below 0 when a rest
   * is due already.
   */
  wholeTokens(limit: number, nowMs: number): number {
    this.#refill(limit, nowMs);
    // As `throttleMs` rounds: what is back within half a millisecond counts as there.
    return Math.ceil(this.#tokens + limit / 2000) - 1;
  }

  #refill(limit: number, nowMs: number): void {
    const gained = ((nowMs - this.#updatedMs) / 1000) * limit;
    this.#tokens = Math.min(this.#windowS * limit, this.#tokens + gained);
    this.#updatedMs = nowMs;
  }
}
