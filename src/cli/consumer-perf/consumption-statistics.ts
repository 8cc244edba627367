// What kafka-consumer-perf-test reports: the header and the lines of Kafka's tool, which scripts
// read as CSV. Time is split in two: joining the group, and everything else, called fetching.

const bytesPerMb = 1024 * 1024;

export interface ConsumptionOptions {
  /** Wall clock, for the column of the time. */
  readonly startedMs: number;
  readonly formatTime: (timestampMs: number) => string;
  /** A line per interval instead of one at the end. */
  readonly isDetailed: boolean;
  readonly intervalMs: number;
  readonly print: (line: string) => void;
}

const columns = [
  'data.consumed.in.MB',
  'MB.sec',
  'data.consumed.in.nMsg',
  'nMsg.sec',
  'rebalance.time.ms',
  'fetch.time.ms',
  'fetch.MB.sec',
  'fetch.nMsg.sec',
];

export class ConsumptionStatistics {
  readonly #options: ConsumptionOptions;
  #records = 0;
  #bytes = 0;
  #joinStartedMs: number;
  #joinMs = 0;
  #reported: { atMs: number; records: number; bytes: number; joinMs: number };

  constructor(options: ConsumptionOptions) {
    this.#options = options;
    this.#joinStartedMs = options.startedMs;
    this.#reported = { atMs: options.startedMs, records: 0, bytes: 0, joinMs: 0 };
  }

  get records(): number {
    return this.#records;
  }

  onRevoked(nowMs: number): void {
    this.#joinStartedMs = nowMs;
  }

  onAssigned(nowMs: number): void {
    this.#joinMs += nowMs - this.#joinStartedMs;
  }

  onRecord(bytes: number, nowMs: number): void {
    this.#records++;
    this.#bytes += bytes;
    if (nowMs - this.#reported.atMs < this.#options.intervalMs) return;
    if (this.#options.isDetailed) this.#printInterval(nowMs);
    this.#reported = {
      atMs: nowMs,
      records: this.#records,
      bytes: this.#bytes,
      joinMs: this.#joinMs,
    };
  }

  printHeader(): void {
    const first = this.#options.isDetailed ? ['time', 'threadId'] : ['start.time', 'end.time'];
    this.#options.print([...first, ...columns].join(', '));
  }

  printTotal(nowMs: number): void {
    const { startedMs, formatTime } = this.#options;
    this.#print([formatTime(startedMs), formatTime(nowMs)], {
      elapsedMs: nowMs - startedMs,
      joinMs: this.#joinMs,
      records: this.#records,
      bytes: this.#bytes,
    });
  }

  #printInterval(nowMs: number): void {
    const before = this.#reported;
    this.#print([this.#options.formatTime(nowMs), '0'], {
      elapsedMs: nowMs - before.atMs,
      joinMs: this.#joinMs - before.joinMs,
      records: this.#records - before.records,
      bytes: this.#bytes - before.bytes,
    });
  }

  /** Amounts are those since the start; rates are those of the span. */
  #print(
    first: readonly string[],
    span: { elapsedMs: number; joinMs: number; records: number; bytes: number },
  ): void {
    const fetchMs = span.elapsedMs - span.joinMs;
    const megabytes = span.bytes / bytesPerMb;
    const cells = [
      ...first,
      (this.#bytes / bytesPerMb).toFixed(4),
      perSecond(megabytes, span.elapsedMs),
      String(this.#records),
      perSecond(span.records, span.elapsedMs),
      String(span.joinMs),
      String(fetchMs),
      perSecond(megabytes, fetchMs),
      perSecond(span.records, fetchMs),
    ];
    this.#options.print(cells.join(', '));
  }
}

function perSecond(amount: number, ms: number): string {
  return ms <= 0 ? '0.0000' : ((amount * 1000) / ms).toFixed(4);
}
