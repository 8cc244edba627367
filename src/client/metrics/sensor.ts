// A stream of measurements as Java's clients keep it: totals since the start, and rates, averages
// and maxima over two windows of 30 s (metrics.num.samples, metrics.sample.window.ms).
//
// Invariant: `record` allocates nothing; whatever is a ratio is made when somebody asks.

const windowMs = 30_000;

/** What one window has seen. */
interface Window {
  startMs: number;
  sum: number;
  count: number;
  max: number;
  min: number;
}

function emptyWindow(): Window {
  return { startMs: Number.NEGATIVE_INFINITY, sum: 0, count: 0, max: -Infinity, min: Infinity };
}

export class Sensor {
  /** The sum of all values. */
  total = 0;
  /** How many there were. */
  count = 0;
  #now = emptyWindow();
  #before = emptyWindow();

  record(value: number, nowMs: number): void {
    this.total += value;
    this.count++;
    if (nowMs - this.#now.startMs >= windowMs) this.#roll(nowMs);
    const window = this.#now;
    window.sum += value;
    window.count++;
    if (value > window.max) window.max = value;
    if (value < window.min) window.min = value;
  }

  /** The sum per second, over at least one whole window. */
  rate(nowMs: number): number {
    return this.#live(nowMs).sum / this.#seconds(nowMs);
  }

  /** The number of values per second. */
  countRate(nowMs: number): number {
    return this.#live(nowMs).count / this.#seconds(nowMs);
  }

  /** NaN without values, as in Java; the same holds for `max` and `min`. */
  avg(nowMs: number): number {
    const { sum, count } = this.#live(nowMs);
    return count === 0 ? Number.NaN : sum / count;
  }

  max(nowMs: number): number {
    const { max, count } = this.#live(nowMs);
    return count === 0 ? Number.NaN : max;
  }

  min(nowMs: number): number {
    const { min, count } = this.#live(nowMs);
    return count === 0 ? Number.NaN : min;
  }

  #roll(nowMs: number): void {
    const oldest = this.#before;
    this.#before = this.#now;
    this.#now = oldest;
    oldest.startMs = nowMs;
    oldest.sum = 0;
    oldest.count = 0;
    oldest.max = Number.NEGATIVE_INFINITY;
    oldest.min = Number.POSITIVE_INFINITY;
  }

  #live(nowMs: number): Omit<Window, 'startMs'> {
    const live = { sum: 0, count: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY };
    for (const window of [this.#now, this.#before]) {
      if (nowMs - window.startMs >= 2 * windowMs) continue;
      live.sum += window.sum;
      live.count += window.count;
      live.max = Math.max(live.max, window.max);
      live.min = Math.min(live.min, window.min);
    }
    return live;
  }

  #seconds(nowMs: number): number {
    let elapsedMs = 0;
    for (const { startMs } of [this.#now, this.#before]) {
      const sinceMs = nowMs - startMs;
      if (sinceMs < 2 * windowMs) elapsedMs = Math.max(elapsedMs, sinceMs);
    }
    const missing = Math.max(0, 1 - Math.floor(elapsedMs / windowMs));
    return (elapsedMs + missing * windowMs) / 1000;
  }
}
