// kafka-get-offsets: prints `topic:partition:offset` for the end, the beginning or a time of
// partitions. A partition that has no such offset is left out, as Kafka does it.

import { type Command, Option } from 'commander';
import { type Admin, OffsetSpec } from '../client/index.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import { hidden, kafkaCommand, parseFlags, UsageError } from './command-line.ts';
import { type PartitionFilter, parseTopicPartitions, partitionFilter } from './partition-filter.ts';
import { isInternalTopic } from './topic-filter.ts';

interface Flags extends ClientFlags {
  topic?: string;
  partitions?: string;
  topicPartitions?: string;
  time: string;
  excludeInternalTopics?: true;
}

const namedTimes: Readonly<Record<string, number>> = {
  latest: OffsetSpec.latest,
  earliest: OffsetSpec.earliest,
  'max-timestamp': OffsetSpec.maxTimestamp,
  'earliest-local': OffsetSpec.earliestLocal,
  'latest-tiered': OffsetSpec.latestTiered,
  'earliest-pending-upload': -6,
};

function offsetsCommand(): Command {
  const command = kafkaCommand('kafka-get-offsets.sh', 'Print offsets of partitions.')
    .option('--topic <name>', 'the topic, or a regular expression; default all')
    .option('--partitions <list>', 'only these partition numbers, separated by commas')
    .option('--topic-partitions <list>', 'such as t1:1,t2:0-3,t3,t4:5-,t5:-3; instead of the above')
    .option(
      '--time <time>',
      'latest (-1), earliest (-2), max-timestamp (-3), or milliseconds since 1970: the first ' +
        'record from then on',
      'latest',
    )
    .option('--exclude-internal-topics', 'leave out internal topics')
    .addOption(hidden(new Option('--offsets <count>', 'accepted: there is one offset')));
  addClientFlags(command, 'admin');
  return command;
}

/** The timestamp to ask the brokers for. */
export function parseTime(text: string): number {
  const named = namedTimes[text];
  if (named !== undefined) return named;
  const number = Number(text);
  if (/^-?\d+$/.test(text) && number >= -6) return number;
  throw new UsageError(
    `Malformed time argument ${text}. Please use -1 or latest / -2 or earliest / -3 or ` +
      'max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or ' +
      'earliest-pending-upload, or a specified long format timestamp',
  );
}

function parseFilter(flags: Flags): PartitionFilter {
  const { topic, partitions, topicPartitions } = flags;
  if (topicPartitions === undefined) return partitionFilter(topic, partitions);
  if (topic !== undefined || partitions !== undefined) {
    throw new UsageError('--topic-partitions cannot be used with --topic or --partitions');
  }
  return parseTopicPartitions(topicPartitions);
}

async function offsets(admin: Admin, flags: Flags): Promise<number> {
  const accepts = parseFilter(flags);
  const timestamp = parseTime(flags.time);
  const places = (await admin.describeTopics(null))
    .filter(({ name }) => !flags.excludeInternalTopics || !isInternalTopic(name))
    .flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition, timestamp })),
    )
    .filter(({ topic, partition }) => accepts(topic, partition))
    // Kafka's order: that of the texts "topic-partition".
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  if (places.length === 0) {
    throw new UsageError('Could not match any topic-partitions with the specified filters');
  }
  let failures = 0;
  for (const found of await admin.listOffsets(places)) {
    if (found.error !== null) {
      failures++;
      const place = `${found.topic}-${found.partition}`;
      process.stderr.write(
        `Skip getting offsets for topic-partition ${place} due to error: ${found.error.message}\n`,
      );
    } else if (found.offset >= 0) {
      process.stdout.write(`${found.topic}:${found.partition}:${found.offset}\n`);
    }
  }
  return failures === places.length ? 1 : 0;
}

function nameOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}-${partition}`;
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(offsetsCommand(), args);
  try {
    return await withAdmin('kafka-get-offsets', flags, (admin) => offsets(admin, flags));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`Error occurred: ${error.message}\n`);
    return 1;
  }
}
