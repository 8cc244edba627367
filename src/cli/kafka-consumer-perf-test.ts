// kafka-consumer-perf-test: reads records as a member of a group and reports the throughput in
// the lines of Kafka's tool.

import { Consumer, type ConsumerOptions, type ConsumerRecord } from '../client/index.ts';
import type { Io } from '../io/index.ts';
import { acceptOptions, createToolIo } from './client-flags.ts';
import { parseFlags } from './command-line.ts';
import {
  type ConsumerPerfFlags,
  checkConsumerPerfFlags,
  consumerPerfCommand,
  consumerPerfProperties,
  consumerPerfTarget,
} from './consumer-perf/consumer-perf-flags.ts';
import { ConsumptionStatistics } from './consumer-perf/consumption-statistics.ts';
import { simpleDateFormat } from './consumer-perf/simple-date-format.ts';
import { interruption } from './interruption.ts';

const name = 'kafka-consumer-perf-test';
const pollMs = 100;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const bytesOf = ({ key, value }: ConsumerRecord): number =>
  (key?.length ?? 0) + (value?.length ?? 0);

interface Work {
  readonly io: Io;
  readonly consumer: Consumer;
  readonly statistics: ConsumptionStatistics;
  readonly recordCount: number;
  readonly timeoutMs: number;
  isStopped: boolean;
}

async function consume(work: Work): Promise<void> {
  const { io, consumer, statistics, recordCount, timeoutMs } = work;
  let heardMs = io.clock.now();
  while (statistics.records < recordCount && !work.isStopped) {
    const records = await consumer.poll(pollMs);
    const now = io.clock.now();
    if (records.length > 0) heardMs = now;
    for (const record of records) statistics.onRecord(bytesOf(record), now);
    if (now - heardMs <= timeoutMs || statistics.records >= recordCount) continue;
    print(
      'WARNING: Exiting before consuming the expected number of records: timeout ' +
        `(${timeoutMs} ms) exceeded. You can use the --timeout option to increase the timeout.`,
    );
    return;
  }
}

function createStatistics(io: Io, flags: ConsumerPerfFlags): ConsumptionStatistics {
  return new ConsumptionStatistics({
    startedMs: io.clock.now(),
    formatTime: simpleDateFormat(flags.dateFormat),
    isDetailed: flags.showDetailedStats === true,
    intervalMs: flags.reportingInterval,
    print,
  });
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<ConsumerPerfFlags>(consumerPerfCommand(), args);
  checkConsumerPerfFlags(flags);
  const io = createToolIo();
  const properties = consumerPerfProperties(io, flags);
  const options = acceptOptions<ConsumerOptions>(name, Consumer.optionsFromProperties(properties));
  if (flags.messages !== undefined) {
    print('Warning: --messages is deprecated. Use --num-records instead.');
  }
  if (flags.printMetrics) process.stderr.write(`${name}: this client keeps no metrics\n`);
  const consumer = new Consumer(options, io);
  const statistics = createStatistics(io, flags);
  if (!flags.hideHeader) statistics.printHeader();
  const work: Work = {
    io,
    consumer,
    statistics,
    recordCount: (flags.numRecords ?? flags.messages) as number,
    timeoutMs: flags.timeout,
    isStopped: false,
  };
  const interrupted = interruption(() => {
    work.isStopped = true;
  });
  try {
    consumer.subscribe(consumerPerfTarget(flags), {
      onPartitionsAssigned: () => statistics.onAssigned(io.clock.now()),
      onPartitionsRevoked: () => statistics.onRevoked(io.clock.now()),
    });
    await consume(work);
    if (!flags.showDetailedStats) statistics.printTotal(io.clock.now());
  } finally {
    await consumer.close();
    interrupted.stop();
  }
  return interrupted.exitCode ?? 0;
}
