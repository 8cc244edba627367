// The flags of the console consumer, and the client properties that they stand for.

import { type Command, Option } from 'commander';
import { parseProperties } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import { addClientFlags, type ClientFlags, clientProperties } from '../client-flags.ts';
import {
  hidden,
  integer,
  kafkaCommand,
  parsePairs,
  repeatable,
  UsageError,
} from '../command-line.ts';
import { readText } from '../read-text.ts';

export interface ConsumerFlags extends ClientFlags {
  topic?: string;
  include?: string;
  group?: string;
  fromBeginning?: true;
  partition?: number;
  offset?: string;
  maxMessages?: number;
  timeoutMs?: number;
  isolationLevel?: string;
  formatter?: string;
  formatterConfig?: string;
  formatterProperty?: string[];
  property?: string[];
  keyDeserializer?: string;
  valueDeserializer?: string;
  skipMessageOnError?: true;
}

export function consumerCommand(): Command {
  const command = kafkaCommand('kafka-console-consumer.sh', 'Print the records of a topic.')
    .option('--topic <name>', 'the topic')
    .option('--from-beginning', 'from the first record on, not only what comes from now on')
    .option('--partition <number>', 'only this partition', integer('the partition', 0))
    .option('--offset <offset>', 'where to begin in it: a number, earliest or latest')
    .addOption(
      new Option('--max-messages <count>', 'end after so many records').argParser(
        integer('the count', -1, Number.MAX_SAFE_INTEGER),
      ),
    )
    .option(
      '--timeout-ms <ms>',
      'end when nothing has come for so long',
      integer('the time', -1, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '--isolation-level <level>',
      'read_committed leaves out aborted transactions; default read_uncommitted',
    )
    .option('--formatter <class>', 'DefaultMessageFormatter, LoggingMessageFormatter or NoOp…')
    .option('--formatter-config <file>', 'properties of the formatter, as a file')
    .addOption(
      repeatable(
        '--formatter-property <key=value>',
        'what to print: print.key, print.value, print.timestamp, print.headers, print.offset, ' +
          'print.partition, print.epoch (true or false), key.separator, line.separator, ' +
          'headers.separator, null.literal, key.deserializer, value.deserializer',
      ),
    )
    .option('--key-deserializer <class>', 'such as StringDeserializer, LongDeserializer')
    .option('--value-deserializer <class>', 'likewise for values')
    .option('--skip-message-on-error', 'go on after a record that cannot be printed')
    .option('--group <id>', 'share the partitions with the other members of this group')
    .option('--include <expression>', 'all topics whose name matches, instead of --topic')
    .addOption(hidden(repeatable('--property <key=value>', 'as --formatter-property')))
    .addOption(hidden(new Option('--enable-systest-events', 'accepted, and nothing is logged')));
  addClientFlags(command, 'consumer');
  return command;
}

/** Throws a UsageError, in Kafka's words where Kafka has them. */
export function checkFlags(flags: ConsumerFlags): void {
  const { topic, include, partition, group } = flags;
  if ((topic === undefined) === (include === undefined)) {
    throw new UsageError(
      'Exactly one of the following arguments is required: [topic], [include] (see --help)',
    );
  }
  if (partition !== undefined && topic === undefined) {
    throw new UsageError('The topic is required when partition is specified.');
  }
  if (partition !== undefined && group !== undefined) {
    throw new UsageError('Options group and partition cannot be specified together.');
  }
  if (flags.offset !== undefined && flags.partition === undefined) {
    throw new UsageError('The partition is required when offset is specified.');
  }
  if (flags.offset !== undefined && flags.fromBeginning) {
    throw new UsageError('from-beginning and offset cannot be specified together.');
  }
  startOffset(flags);
  if (flags.maxMessages === -1) delete flags.maxMessages;
  if (flags.timeoutMs === -1) delete flags.timeoutMs;
}

/** Where to begin; null leaves it to auto.offset.reset. */
export function startOffset(flags: ConsumerFlags): number | 'earliest' | 'latest' | null {
  const { offset } = flags;
  if (flags.fromBeginning) return 'earliest';
  if (offset === undefined) return flags.partition === undefined ? null : 'latest';
  const text = offset.toLowerCase();
  if (text === 'earliest' || text === 'latest') return text;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new UsageError(
    `The provided offset value '${offset}' is incorrect. Valid values are 'earliest', ` +
      "'latest', or a non-negative long.",
  );
}

/** Bulk comes in larger pieces than with Kafka's 1 MiB and 500 records. */
const bulkDefaults: Readonly<Record<string, number>> = {
  'max.partition.fetch.bytes': 4 * 1024 * 1024,
  'max.poll.records': 20_000,
};

export function consumerProperties(io: Io, flags: ConsumerFlags): Map<string, string> {
  const properties = clientProperties(io, flags);
  for (const [key, value] of Object.entries(bulkDefaults)) {
    if (!properties.has(key)) properties.set(key, String(value));
  }
  if (!properties.has('client.id')) properties.set('client.id', 'console-consumer');
  if (flags.isolationLevel !== undefined) properties.set('isolation.level', flags.isolationLevel);
  const reset = properties.get('auto.offset.reset');
  if (flags.fromBeginning && reset !== undefined && reset !== 'earliest') {
    throw new UsageError(
      `Can't simultaneously specify --from-beginning and 'auto.offset.reset=${reset}', ` +
        'please remove one option',
    );
  }
  placeInGroup(io, flags, properties);
  return properties;
}

/** Partitions are shared only in a group that is named, or where a pattern needs one. */
function placeInGroup(io: Io, flags: ConsumerFlags, properties: Map<string, string>): void {
  const named = properties.get('group.id');
  if (flags.group !== undefined && named !== undefined && named !== flags.group) {
    throw new UsageError(
      `The group ids provided in different places do not match: ${flags.group}, ${named}`,
    );
  }
  const groupId = flags.group ?? named;
  if (flags.partition !== undefined || (groupId === undefined && flags.include === undefined)) {
    for (const key of ['group.id', 'enable.auto.commit', 'group.protocol']) properties.delete(key);
    return;
  }
  properties.set('group.id', groupId ?? `console-consumer-${io.random.int(100_000)}`);
  // Nobody will come back to a group of our own making.
  if (groupId === undefined) properties.set('enable.auto.commit', 'false');
  if (flags.fromBeginning) properties.set('auto.offset.reset', 'earliest');
}

export function formatterProperties(io: Io, flags: ConsumerFlags): Map<string, string> {
  const properties = new Map<string, string>();
  if (flags.formatterConfig !== undefined) {
    for (const [key, value] of parseProperties(readText(io, flags.formatterConfig))) {
      properties.set(key, value);
    }
  }
  const pairs = [
    ...parsePairs(flags.property, '--property'),
    ...parsePairs(flags.formatterProperty, '--formatter-property'),
  ];
  for (const [key, value] of pairs) properties.set(key, value);
  const { keyDeserializer, valueDeserializer } = flags;
  if (keyDeserializer !== undefined) properties.set('key.deserializer', keyDeserializer);
  if (valueDeserializer !== undefined) properties.set('value.deserializer', valueDeserializer);
  return properties;
}
