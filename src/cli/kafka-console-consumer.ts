// kafka-console-consumer: prints the records of a topic. In a group it reads what it is given of
// its topics; without one it reads partitions by assignment: all of the topic, or the one that is
// named. Output goes out in large pieces and waits for whoever reads it; a reader that goes away
// (head) ends it quietly.

import {
  Consumer,
  type ConsumerOptions,
  type ConsumerRecord,
  UnreadableRecordsError,
} from '../client/index.ts';
import type { Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { acceptOptions, createToolIo, withNotice } from './client-flags.ts';
import { parseFlags } from './command-line.ts';
import {
  type ConsumerFlags,
  checkFlags,
  consumerCommand,
  consumerProperties,
  formatterProperties,
  startOffset,
} from './console-consumer/consumer-flags.ts';
import { createFormatter, type Formatter } from './console-consumer/formatter.ts';
import { interruption } from './interruption.ts';
import { OutputStream } from './output-stream.ts';
import { startProgress, transferText } from './progress.ts';
import { topicExpression } from './topic-filter.ts';

const name = 'kafka-console-consumer';

interface Work {
  readonly io: Io;
  readonly consumer: Consumer;
  readonly formatter: Formatter;
  readonly output: OutputStream;
  readonly flags: ConsumerFlags;
  /** Of records that were printed. */
  count: number;
}

async function assign({ io, consumer, flags }: Work): Promise<void> {
  const topic = flags.topic as string;
  const timeoutMs = flags.timeoutMs;
  const known = consumer.partitionsFor(topic, timeoutMs === undefined ? {} : { timeoutMs });
  const partitions = await withNotice(io, `${name}: waiting for topic ${topic}`, known);
  const { partition } = flags;
  if (partition !== undefined && !partitions.includes(partition)) {
    throw new KafkaError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `topic ${topic} has partitions 0 to ${partitions.length - 1}, not ${partition}`,
    );
  }
  const offset = startOffset(flags);
  const places = (partition === undefined ? partitions : [partition]).map((each) => ({
    topic,
    partition: each,
    ...(offset === null ? {} : { offset }),
  }));
  await consumer.assign(places);
}

/** As a member of a group: what the group gives us of the topics. */
function subscribe({ consumer, flags }: Work): void {
  const { topic, include } = flags;
  if (topic !== undefined) consumer.subscribe([topic]);
  else consumer.subscribe(topicExpression(include as string));
}

/** Records that came and were not printed are not done: the group goes on with them. */
function giveBack(consumer: Consumer, records: readonly ConsumerRecord[]): void {
  const seen = new Set<string>();
  for (const { topic, partition, offset } of records) {
    const place = `${topic}-${partition}`;
    if (!seen.has(place)) consumer.seek({ topic, partition }, offset);
    seen.add(place);
  }
}

const pollMs = 1_000;

/** Of a batch that cannot be read nothing can be printed: it is passed over if that is wanted. */
async function pollOrSkip({ consumer, flags }: Work, waitMs: number): Promise<ConsumerRecord[]> {
  try {
    return await consumer.poll(waitMs);
  } catch (error) {
    if (!(flags.skipMessageOnError && error instanceof UnreadableRecordsError)) throw error;
    process.stderr.write(`${name}: skipped: ${error.message}\n`);
    consumer.seek(error.topicPartition, error.nextOffset);
    return [];
  }
}

/** Prints until something ends it: enough records, silence, Ctrl-C, or nobody reading. */
async function print(work: Work, isInterrupted: () => boolean): Promise<void> {
  const { io, consumer, formatter, output, flags } = work;
  const max = flags.maxMessages ?? Number.POSITIVE_INFINITY;
  const silenceMs = flags.timeoutMs ?? Number.POSITIVE_INFINITY;
  let heardMs = io.clock.monotonic();
  while (work.count < max && !output.isClosed && !isInterrupted()) {
    const leftMs = heardMs + silenceMs - io.clock.monotonic();
    if (leftMs <= 0) return;
    const records = await pollOrSkip(work, Math.min(pollMs, leftMs));
    if (records.length === 0) continue;
    const end = Math.min(records.length, max - work.count);
    for (let index = 0; index < end; index++) {
      const record = records[index];
      if (record === undefined) break;
      try {
        formatter.format(record, output);
      } catch (error) {
        if (!flags.skipMessageOnError) throw error;
        process.stderr.write(`${name}: skipped: ${(error as Error).message}\n`);
      }
      work.count++;
    }
    if (end < records.length) giveBack(consumer, records.slice(end));
    await output.flush();
    heardMs = io.clock.monotonic();
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<ConsumerFlags>(consumerCommand(), args);
  checkFlags(flags);
  const io = createToolIo();
  const formatter = createFormatter(flags.formatter, formatterProperties(io, flags));
  const properties = consumerProperties(io, flags);
  const options = acceptOptions<ConsumerOptions>(name, Consumer.optionsFromProperties(properties));
  const consumer = new Consumer(options, io);
  const output = new OutputStream(process.stdout);
  const work: Work = { io, consumer, formatter, output, flags, count: 0 };
  const progress = process.stdout.isTTY
    ? null
    : startProgress(io, (ms) => transferText(output.bytes, work.count, 'records', ms));
  const interrupted = interruption(() => void consumer.close());
  output.onClosed = () => void consumer.close();
  try {
    if (properties.has('group.id')) subscribe(work);
    else await assign(work);
    await print(work, () => interrupted.exitCode !== null);
  } catch (error) {
    if (interrupted.exitCode === null && !output.isClosed) throw error;
  } finally {
    await consumer.close();
    await output.flush();
    progress?.stop();
    interrupted.stop();
    process.stderr.write(`Processed a total of ${work.count} messages\n`);
  }
  return interrupted.exitCode ?? 0;
}
