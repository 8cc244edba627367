// The flags of the console consumer, and the client properties that they stand for.

import { type Command, Option } from 'commander';
import { parseProperties } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import { addClientFlags, type ClientFlags, clientProperties, readText } from '../client-flags.ts';
import {
  hidden,
  integer,
  kafkaCommand,
  parsePairs,
  repeatable,
  UsageError,
} from '../command-line.ts';

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
    .option('--group <id>', 'not there yet: partitions are assigned, not shared in a group')
    .option('--include <expression>', 'not there yet: several topics at once')
    .addOption(hidden(repeatable('--property <key=value>', 'as --formatter-property')))
    .addOption(hidden(new Option('--enable-systest-events', 'accepted, and nothing is logged')));
  addClientFlags(command, 'consumer');
  return command;
}

/** Throws a UsageError, in Kafka's words where Kafka has them. */
export function checkFlags(flags: ConsumerFlags): void {
  if (flags.include !== undefined) {
    throw new UsageError('--include comes with consumer groups; name one --topic until then');
  }
  if (flags.group !== undefined) {
    throw new UsageError(
      '--group comes with consumer groups; without it every partition of the topic is read',
    );
  }
  if (flags.topic === undefined) {
    throw new UsageError(
      'Exactly one of the following arguments is required: [topic], [include] (see --help)',
    );
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
  // Named in files of real consumers; without a group there is nothing that it could do.
  for (const key of ['group.id', 'enable.auto.commit', 'group.protocol']) properties.delete(key);
  return properties;
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
