// The flags of kafka-consumer-perf-test, checked in Kafka's words, and the consumer's properties.

import { type Command, Option } from 'commander';
import type { SubscriptionTarget } from '../../client/index.ts';
import type { Io } from '../../io/index.ts';
import { addClientFlags, type ClientFlags, clientProperties } from '../client-flags.ts';
import { hidden, integer, kafkaCommand, requireFlags, UsageError } from '../command-line.ts';
import { topicExpression } from '../topic-filter.ts';

export interface ConsumerPerfFlags extends ClientFlags {
  topic?: string;
  include?: string;
  group?: string;
  numRecords?: number;
  messages?: number;
  fetchSize: number;
  fromLatest?: true;
  timeout: number;
  dateFormat: string;
  hideHeader?: true;
  showDetailedStats?: true;
  reportingInterval: number;
  printMetrics?: true;
}

const count = (name: string, min = 0): ((text: string) => number) =>
  integer(name, min, Number.MAX_SAFE_INTEGER);

export function consumerPerfCommand(): Command {
  const command = kafkaCommand(
    'kafka-consumer-perf-test.sh',
    'Read records in a group as fast as they come, and report the throughput.',
  )
    .option('--topic <name>', 'the topic')
    .option('--include <expression>', 'all topics whose name matches, instead of --topic')
    .option('--num-records <count>', 'how many records to read', count('the count'))
    .option('--group <id>', 'the group; default perf-consumer- and a number')
    .option('--from-latest', 'where the group has no offset, only what comes from now on')
    .option('--fetch-size <bytes>', 'most of a partition in a fetch', count('the size'), 1048576)
    .option('--timeout <ms>', 'end when nothing has come for so long', count('the time'), 10_000)
    .option('--show-detailed-stats', 'a line per interval')
    .option('--reporting-interval <ms>', 'time between two lines', count('the time', 1), 5000)
    .option('--hide-header', 'only the figures')
    .option(
      '--date-format <pattern>',
      'how times are written, as java.text.SimpleDateFormat',
      'yyyy-MM-dd HH:mm:ss:SSS',
    )
    .option('--print-metrics', 'accepted: this client keeps no metrics')
    .addOption(hidden(new Option('--messages <count>', 'as --num-records').argParser(count('it'))))
    .addOption(hidden(new Option('--socket-buffer-size <bytes>', 'accepted and not needed')))
    .addOption(hidden(new Option('--threads <count>', 'accepted: there is one')))
    .addOption(hidden(new Option('--num-fetch-threads <count>', 'accepted: there is one')));
  addClientFlags(command, 'consumer');
  return command;
}

/** Throws a UsageError, in Kafka's words where Kafka has them. */
export function checkConsumerPerfFlags(flags: ConsumerPerfFlags): void {
  const { topic, include, numRecords, messages } = flags;
  const exactlyOne = (names: string): UsageError =>
    new UsageError(`Exactly one of the following arguments is required: ${names} (see --help)`);
  if (flags.brokerList === undefined) requireFlags(flags, 'bootstrap-server');
  if ((topic === undefined) === (include === undefined)) throw exactlyOne('[topic], [include]');
  if ((numRecords === undefined) === (messages === undefined)) {
    throw exactlyOne('[messages], [num-records]');
  }
}

export function consumerPerfTarget(flags: ConsumerPerfFlags): SubscriptionTarget {
  return flags.topic !== undefined ? [flags.topic] : topicExpression(flags.include as string);
}

export function consumerPerfProperties(io: Io, flags: ConsumerPerfFlags): Map<string, string> {
  const properties = clientProperties(io, flags);
  const ownGroup = `perf-consumer-${io.random.int(100_000)}`;
  properties.set('group.id', flags.group ?? properties.get('group.id') ?? ownGroup);
  properties.set('max.partition.fetch.bytes', String(flags.fetchSize));
  properties.set('auto.offset.reset', flags.fromLatest ? 'latest' : 'earliest');
  properties.set('check.crcs', 'false');
  if (!properties.has('client.id')) properties.set('client.id', 'perf-consumer-client');
  return properties;
}
