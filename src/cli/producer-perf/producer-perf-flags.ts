// The flags of kafka-producer-perf-test, checked in Kafka's words, and the producer's properties.

import { type Command, Option } from 'commander';
import { parseProperties } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import { withoutReferences } from '../client-flags.ts';
import {
  hidden,
  integer,
  kafkaCommand,
  parsePairs,
  refuseTogether,
  requireFlags,
  UsageError,
} from '../command-line.ts';
import { readText } from '../read-text.ts';
import { monotonicPayloads, type Payloads, randomPayloads, textPayloads } from './payloads.ts';

export interface ProducerPerfFlags {
  topic: string;
  numRecords: number;
  throughput: number;
  bootstrapServer?: string;
  recordSize?: number;
  payloadFile?: string;
  payloadMonotonic?: true;
  payloadDelimiter?: string;
  producerProps?: string[];
  commandProperty?: string[];
  'producer.config'?: string;
  commandConfig?: string;
  printMetrics?: true;
  transactionalId?: string;
  transactionDurationMs?: number;
  warmupRecords: number;
  reportingInterval: number;
}

const count = (name: string, min: number): ((text: string) => number) =>
  integer(name, min, Number.MAX_SAFE_INTEGER);

export function producerPerfCommand(): Command {
  return kafkaCommand(
    'kafka-producer-perf-test.sh',
    'Send records as fast as they are taken, or at a rate, and report throughput and latency.',
  )
    .option('--bootstrap-server <host:port>', 'a broker of the cluster, or several with commas')
    .option('--topic <name>', 'the topic')
    .option('--num-records <count>', 'how many records to send', count('the count', 1))
    .option(
      '--throughput <records>',
      'records per second, approximately; -1 is no limit',
      (text: string) => {
        const value = Number(text);
        if (text.trim() !== '' && Number.isFinite(value)) return value;
        throw new UsageError(`--throughput takes a number, not '${text}'`);
      },
    )
    .option('--record-size <bytes>', 'the size of a value', integer('the size', -(2 ** 31)))
    .option('--payload-file <file>', 'take values from this text, at random')
    .option('--payload-delimiter <text>', 'what ends a value in the file (\\n)')
    .option('--payload-monotonic', 'values are 0, 1, 2 …')
    .option('--command-property <key=value...>', 'producer properties, such as acks=1 linger.ms=0')
    .option('--command-config <file>', 'producer properties, as a file')
    .option('--print-metrics', 'accepted: this client keeps no metrics')
    .option('--transactional-id <id>', 'send in transactions of this id')
    .option(
      '--transaction-duration-ms <ms>',
      'how long a transaction is open (3000); alone it takes an id by chance',
      count('the time', Number.MIN_SAFE_INTEGER),
    )
    .option(
      '--warmup-records <count>',
      'report what comes after so many records by itself as well',
      count('the count', 0),
      0,
    )
    .option('--reporting-interval <ms>', 'time between two lines', count('the time', 1), 5000)
    .addOption(hidden(new Option('--producer-props <key=value...>', 'as --command-property')))
    .addOption(hidden(new Option('--producer.config <file>', 'as --command-config')));
}

/** Throws a UsageError, in Kafka's words where Kafka has them. */
export function checkProducerPerfFlags(flags: ProducerPerfFlags): void {
  requireFlags(flags, 'topic', 'num-records', 'throughput');
  refuseTogether(flags, 'payload-monotonic', ['record-size', 'payload-file']);
  refuseTogether(flags, 'record-size', ['payload-file']);
  const { recordSize, payloadFile, payloadMonotonic } = flags;
  if (recordSize === undefined && payloadFile === undefined && !payloadMonotonic) {
    throw new UsageError(
      'one of the arguments --record-size --payload-file --payload-monotonic is required',
    );
  }
  if (recordSize !== undefined && recordSize <= 0) {
    throw new UsageError('--record-size should be greater than zero.');
  }
  if (flags.warmupRecords >= flags.numRecords) {
    throw new UsageError(
      'The value for --warmup-records must be strictly fewer than the number of records in the ' +
        'test, --num-records.',
    );
  }
  if (flags.transactionDurationMs !== undefined && flags.transactionDurationMs <= 0) {
    throw new UsageError('--transaction-duration-ms should be greater than zero.');
  }
}

export function producerPerfPayloads(io: Io, flags: ProducerPerfFlags): Payloads {
  const { recordSize, payloadFile, payloadDelimiter = '\n' } = flags;
  if (recordSize !== undefined) return randomPayloads(recordSize);
  if (payloadFile === undefined) return monotonicPayloads;
  // Scripts write the two characters, as Kafka's help does.
  const delimiter = payloadDelimiter === '\\n' ? '\n' : payloadDelimiter;
  return textPayloads(payloadFile, readText(io, payloadFile), delimiter);
}

const transactionDurationMsDefault = 3000;

/** How long each transaction is to be open; null: no transactions. */
export function transactionDurationMs(
  flags: ProducerPerfFlags,
  properties: ReadonlyMap<string, string>,
): number | null {
  if (!properties.has('transactional.id')) return null;
  return flags.transactionDurationMs ?? transactionDurationMsDefault;
}

/** A flag's properties win over a file's; --bootstrap-server wins over both. */
export function producerPerfProperties(io: Io, flags: ProducerPerfFlags): Map<string, string> {
  const properties = new Map<string, string>();
  const file = flags.commandConfig ?? flags['producer.config'];
  if (file !== undefined) {
    for (const [key, value] of parseProperties(readText(io, file))) properties.set(key, value);
  }
  const pairs = [
    ...parsePairs(flags.producerProps, '--producer-props'),
    ...parsePairs(flags.commandProperty, '--command-property'),
  ];
  for (const [key, value] of pairs) properties.set(key, value);
  for (const [key, value] of withoutReferences(io, properties)) properties.set(key, value);
  if (flags.bootstrapServer !== undefined) {
    properties.set('bootstrap.servers', flags.bootstrapServer);
  }
  if (!properties.has('bootstrap.servers')) {
    throw new UsageError(
      'At least one of --bootstrap-server or the property bootstrap.servers must be specified.',
    );
  }
  if (!properties.has('client.id')) properties.set('client.id', 'perf-producer-client');
  if (flags.transactionalId !== undefined) {
    properties.set('transactional.id', flags.transactionalId);
  } else if (flags.transactionDurationMs !== undefined && !properties.has('transactional.id')) {
    const number = io.random.int(2 ** 31).toString(36);
    properties.set('transactional.id', `performance-producer-${number}`);
  }
  return properties;
}
