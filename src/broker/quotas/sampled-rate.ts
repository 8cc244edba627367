// How much happened per second, from a ring of samples: Kafka's measure of a client against its
// quota. The rate is taken over the whole samples that must have passed, even if the client was
// not there so long: a first burst counts as spread over the window, so that it may be large once.
//
// Invariant: a sample whose last event is older than the whole window counts no more.

export interface WindowOptions {
  /** quota.window.num */
  readonly samples: number;
  /** quota.window.size.seconds, in ms. */
  readonly sampleMs: number;
}

interface Sample {
  startMs: number;
  lastEventMs: number;
  events: number;
  sum: number;
}

export class SampledRate {
  readonly #options: WindowOptions;
  readonly #samples: Sample[] = [];
  #current = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** `value` may be negative: it takes back what was recorded before. */
  record(value: number, nowMs: number): void {
    const sample = this.#sampleAt(nowMs);
    sample.sum += value;
    sample.events++;
    sample.lastEventMs = nowMs;
  }

  perSecond(nowMs: number): number {
    const windowMs = this.windowMs(nowMs);
    let sum = 0;
    for (const sample of this.#samples) sum += sample.sum;
    return (sum * 1000) / windowMs;
  }

  /** What the rate is taken over: at least all samples but the one that is being filled. */
  windowMs(nowMs: number): number {
    this.#purge(nowMs);
    const { samples, sampleMs } = this.#options;
    const elapsedMs = nowMs - this.#oldestStartMs(nowMs);
    const missing = Math.max(0, samples - 1 - Math.floor(elapsedMs / sampleMs));
    return Math.max(1, elapsedMs + missing * sampleMs);
  }

  /**
   * How long nothing more may come for the rate to be `limit` again; 0 when it is not above.
   * Kafka's formula: the excess, in units of the limit, times the window.
   */
  throttleMs(limit: number, nowMs: number): number {
    const rate = this.perSecond(nowMs);
    if (rate <= limit) return 0;
    return Math.round(((rate - limit) / limit) * this.windowMs(nowMs));
  }

  #sampleAt(nowMs: number): Sample {
    const current = this.#samples[this.#current];
    if (current !== undefined && nowMs - current.startMs < this.#options.sampleMs) return current;
    if (current !== undefined) this.#current = (this.#current + 1) % this.#options.samples;
    const next = { startMs: nowMs, lastEventMs: nowMs, events: 0, sum: 0 };
    this.#samples[this.#current] = next;
    return next;
  }

  #purge(nowMs: number): void {
    const expiryMs = this.#options.samples * this.#options.sampleMs;
    for (const sample of this.#samples) {
      if (nowMs - sample.lastEventMs < expiryMs) continue;
      sample.startMs = nowMs;
      sample.lastEventMs = nowMs;
      sample.events = 0;
      sample.sum = 0;
    }
  }

  #oldestStartMs(nowMs: number): number {
    let oldest = nowMs;
    for (const { startMs, events } of this.#samples) {
      if (events > 0 && startMs < oldest) oldest = startMs;
    }
    return oldest;
  }
}
