// What kafka-producer-perf-test reports, in the layout of Kafka's tool, which scripts cut apart:
// a line per interval, and at the end throughput with the percentiles of the latency.
//
// Invariant: at most some 500 000 latencies are kept, however many records are sent: of more
// records every n-th counts for the percentiles, and all of them for average and maximum.

const samplesMax = 500_000;
const bytesPerMb = 1024 * 1024;

export interface SendStatisticsOptions {
  readonly recordCount: number;
  readonly intervalMs: number;
  /** Of a clock that never goes back. */
  readonly startedMs: number;
  readonly print: (line: string) => void;
  /** The records after a warm-up, which are reported by themselves. */
  readonly isSteadyState?: boolean;
}

/** Counts between two points in time. */
interface Window {
  startedMs: number;
  count: number;
  bytes: number;
  latencySumMs: number;
  latencyMaxMs: number;
}

const emptyWindow = (startedMs: number): Window => ({
  startedMs,
  count: 0,
  bytes: 0,
  latencySumMs: 0,
  latencyMaxMs: 0,
});

export class SendStatistics {
  readonly #options: SendStatisticsOptions;
  readonly #sampleEvery: number;
  readonly #latencies: Int32Array;
  #sampleCount = 0;
  readonly #total: Window;
  #window: Window;
  #isSilent = false;

  constructor(options: SendStatisticsOptions) {
    this.#options = options;
    const { recordCount, startedMs } = options;
    this.#sampleEvery = Math.max(1, Math.floor(recordCount / Math.min(recordCount, samplesMax)));
    this.#latencies = new Int32Array(Math.floor(recordCount / this.#sampleEvery) + 1);
    this.#total = emptyWindow(startedMs);
    this.#window = emptyWindow(startedMs);
  }

  /** The intervals are somebody else's from now on; the totals go on. */
  silence(): void {
    this.#isSilent = true;
  }

  /** One record was delivered after `latencyMs`. */
  onDelivered(latencyMs: number, bytes: number, nowMs: number): void {
    const latency = Math.trunc(latencyMs);
    add(this.#window, latency, bytes);
    if (this.#total.count % this.#sampleEvery === 0) {
      this.#latencies[this.#sampleCount++] = latency;
    }
    add(this.#total, latency, bytes);
    if (nowMs - this.#window.startedMs < this.#options.intervalMs) return;
    if (!this.#isSilent) this.#printWindow(nowMs);
    this.#window = emptyWindow(nowMs);
  }

  printTotal(nowMs: number): void {
    const total = this.#total;
    const seconds = (nowMs - total.startedMs) / 1000;
    const [rate, mbRate] = rates(total, seconds);
    const average = total.latencySumMs / total.count;
    const [half, most, nearlyAll, all] = percentiles(
      this.#latencies.subarray(0, this.#sampleCount),
      [0.5, 0.95, 0.99, 0.999],
    );
    const what = this.#options.isSteadyState ? 'steady state records' : 'records';
    this.#options.print(
      `${total.count} ${what} sent, ${rate.toFixed(6)} records/sec ` +
        `(${mbRate.toFixed(2)} MB/sec), ` +
        `${average.toFixed(2)} ms avg latency, ${total.latencyMaxMs.toFixed(2)} ms max latency, ` +
        `${half} ms 50th, ${most} ms 95th, ${nearlyAll} ms 99th, ${all} ms 99.9th.`,
    );
  }

  #printWindow(nowMs: number): void {
    const window = this.#window;
    const [rate, mbRate] = rates(window, (nowMs - window.startedMs) / 1000);
    const isFirst = this.#total.count === window.count;
    if (this.#options.isSteadyState && isFirst) this.#options.print('In steady state.');
    this.#options.print(
      `${window.count} records sent, ${rate.toFixed(1)} records/sec ` +
        `(${mbRate.toFixed(2)} MB/sec), ` +
        `${(window.latencySumMs / window.count).toFixed(1)} ms avg latency, ` +
        `${window.latencyMaxMs.toFixed(1)} ms max latency.`,
    );
  }
}

function add(window: Window, latencyMs: number, bytes: number): void {
  window.count++;
  window.bytes += bytes;
  window.latencySumMs += latencyMs;
  window.latencyMaxMs = Math.max(window.latencyMaxMs, latencyMs);
}

function rates(window: Window, seconds: number): [perSecond: number, mbPerSecond: number] {
  return [window.count / seconds, window.bytes / bytesPerMb / seconds];
}

/** Kafka's way: the value at the place `fraction * count`, rounded down. 0 where there is none. */
export function percentiles(values: Int32Array, fractions: readonly number[]): number[] {
  const sorted = values.slice().sort();
  return fractions.map((fraction) => sorted[Math.trunc(fraction * sorted.length)] ?? 0);
}
