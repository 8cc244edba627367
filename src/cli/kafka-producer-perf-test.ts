// kafka-producer-perf-test: sends records and reports throughput and latency in the lines of
// Kafka's tool. The topic's metadata are fetched before the time starts: what is measured is
// sending, and a cluster that cannot be reached is one line.

import { Producer, type ProducerOptions } from '../client/index.ts';
import type { Io } from '../io/index.ts';
import { acceptOptions, createToolIo, withNotice } from './client-flags.ts';
import { parseFlags } from './command-line.ts';
import { interruption } from './interruption.ts';
import { Pace } from './pace.ts';
import type { Payloads } from './producer-perf/payloads.ts';
import {
  checkProducerPerfFlags,
  type ProducerPerfFlags,
  producerPerfCommand,
  producerPerfPayloads,
  producerPerfProperties,
  transactionDurationMs,
} from './producer-perf/producer-perf-flags.ts';
import { SendStatistics } from './producer-perf/send-statistics.ts';

const name = 'kafka-producer-perf-test';
/** Failures beyond these are only counted: a broker that is gone fails every record. */
const failureLinesMax = 10;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

class PerformanceTest {
  readonly #io: Io;
  readonly #producer: Producer;
  readonly #flags: ProducerPerfFlags;
  readonly #total: SendStatistics;
  /** null: no transactions. */
  readonly #transactionMs: number | null;
  #steady: SendStatistics | null = null;
  /** When the transaction under way began; null: there is none. */
  #begunMs: number | null = null;
  failures = 0;
  isStopped = false;

  constructor(io: Io, producer: Producer, flags: ProducerPerfFlags, transactionMs: number | null) {
    this.#io = io;
    this.#producer = producer;
    this.#flags = flags;
    this.#transactionMs = transactionMs;
    this.#total = this.#statistics(flags.numRecords, false);
  }

  async send(payloads: Payloads): Promise<void> {
    const { numRecords, warmupRecords, throughput } = this.#flags;
    const pace = new Pace(this.#io, throughput);
    if (this.#transactionMs !== null) await this.#producer.initTransactions();
    for (let index = 0; index < numRecords && !this.isStopped; index++) {
      if (warmupRecords > 0 && index === warmupRecords) this.#becomeSteady();
      if (this.#transactionMs !== null) this.#maybeBegin();
      if (!this.#write(payloads(index))) await this.#producer.drained();
      if (this.#isTransactionOver()) await this.#commit();
      const pause = pace.next();
      if (pause !== null) await pause;
    }
    if (this.#begunMs !== null) await this.#commit();
    await this.#producer.flush();
  }

  printTotals(): void {
    const now = this.#io.clock.monotonic();
    this.#total.printTotal(now);
    this.#steady?.printTotal(now);
  }

  #write(value: Uint8Array): boolean {
    const { clock } = this.#io;
    const startedMs = clock.monotonic();
    const steady = this.#steady;
    return this.#producer.write({ topic: this.#flags.topic, value }, (error) => {
      if (error !== null) {
        this.#onFailed(error);
        return;
      }
      const now = clock.monotonic();
      this.#total.onDelivered(now - startedMs, value.length, now);
      steady?.onDelivered(now - startedMs, value.length, now);
    });
  }

  #maybeBegin(): void {
    if (this.#begunMs !== null) return;
    this.#producer.beginTransaction();
    this.#begunMs = this.#io.clock.monotonic();
  }

  #isTransactionOver(): boolean {
    if (this.#begunMs === null || this.#transactionMs === null) return false;
    return this.#io.clock.monotonic() - this.#begunMs >= this.#transactionMs;
  }

  async #commit(): Promise<void> {
    await this.#producer.commitTransaction();
    this.#begunMs = null;
  }

  #becomeSteady(): void {
    const { numRecords, warmupRecords } = this.#flags;
    this.#total.silence();
    this.#steady = this.#statistics(numRecords - warmupRecords, true);
  }

  #statistics(recordCount: number, isSteadyState: boolean): SendStatistics {
    return new SendStatistics({
      recordCount,
      intervalMs: this.#flags.reportingInterval,
      startedMs: this.#io.clock.monotonic(),
      print,
      isSteadyState,
    });
  }

  #onFailed(error: Error): void {
    this.failures++;
    if (this.failures > failureLinesMax) return;
    process.stderr.write(`${name}: ${error.message.replaceAll('\n', ' ')}\n`);
  }
}

function sayWhatHasChanged(flags: ProducerPerfFlags): void {
  const changed: readonly [unknown, string, string][] = [
    [flags.producerProps, '--producer-props', '--command-property'],
    [flags['producer.config'], '--producer.config', '--command-config'],
  ];
  for (const [value, old, instead] of changed) {
    if (value === undefined) continue;
    print(
      `Option ${old} has been deprecated and will be removed in a future version. ` +
        `Use ${instead} instead.`,
    );
  }
  if (flags.printMetrics) process.stderr.write(`${name}: this client keeps no metrics\n`);
  if (flags.warmupRecords > 0) {
    print(
      `Warmup first ${flags.warmupRecords} records. ` +
        'Steady state results will print after the complete test summary.',
    );
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<ProducerPerfFlags>(producerPerfCommand(), args);
  checkProducerPerfFlags(flags);
  const io = createToolIo();
  const payloads = producerPerfPayloads(io, flags);
  const properties = producerPerfProperties(io, flags);
  const options = acceptOptions<ProducerOptions>(name, Producer.optionsFromProperties(properties));
  sayWhatHasChanged(flags);
  const producer = new Producer(options, io);
  const known = producer.partitionsFor(flags.topic);
  try {
    await withNotice(io, `${name}: waiting for topic ${flags.topic}`, known);
    const transactionMs = transactionDurationMs(flags, properties);
    const test = new PerformanceTest(io, producer, flags, transactionMs);
    const interrupted = interruption(() => {
      test.isStopped = true;
    });
    await test.send(payloads);
    test.printTotals();
    interrupted.stop();
    if (test.failures > 0) {
      process.stderr.write(`${name}: ${test.failures} records were not delivered\n`);
    }
    return interrupted.exitCode ?? (test.failures > 0 ? 1 : 0);
  } finally {
    await producer.close();
  }
}
