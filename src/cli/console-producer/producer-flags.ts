// The flags of the console producer, and the client properties that they stand for. A flag that
// was given wins over a property; where neither is there the producer's own default holds, with
// larger batches for the bulk that a pipe may bring.

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

export interface ProducerFlags extends ClientFlags {
  topic?: string;
  sync?: true;
  compressionCodec?: string | true;
  requestRequiredAcks?: string;
  batchSize?: number;
  maxPartitionMemoryBytes?: number;
  maxMemoryBytes?: number;
  timeout?: number;
  linger?: number;
  maxBlockMs?: number;
  messageSendMaxRetries?: number;
  requestTimeoutMs?: number;
  retryBackoffMs?: number;
  metadataExpiryMs?: number;
  readerConfig?: string;
  readerProperty?: string[];
  property?: string[];
  lineReader?: string;
}

const count = (name: string, min = 0): ((text: string) => number) =>
  integer(name, min, Number.MAX_SAFE_INTEGER);

export function producerCommand(): Command {
  const command = kafkaCommand(
    'kafka-console-producer.sh',
    'Send each line of standard input to a topic as a record.',
  )
    .option('--topic <name>', 'the topic')
    .option('--sync', 'wait for each record before the next line is read')
    .option('--compression-codec [codec]', 'none, gzip, snappy, lz4 or zstd; alone it is gzip')
    .option(
      '--request-required-acks <acks>',
      '-1 or all (default): all in sync; 1: leader; 0: none',
    )
    .option('--batch-size <bytes>', 'records are sent in batches of so many', count('the size'))
    .option('--linger <ms>', 'how long a batch waits for more records', count('the time'))
    .option('--max-block-ms <ms>', 'how long to wait for the topic (60000)', count('the time'))
    .option(
      '--max-memory-bytes <bytes>',
      'records not yet delivered before reading pauses (33554432)',
      count('the size', 1),
    )
    .option(
      '--message-send-max-retries <count>',
      'attempts after the first; default: as many as fit into delivery.timeout.ms',
      integer('the count', 0),
    )
    .option('--request-timeout-ms <ms>', 'how long one request may take', count('the time', 1))
    .option('--retry-backoff-ms <ms>', 'the pause before an attempt', count('the time'))
    .option('--metadata-expiry-ms <ms>', 'how long metadata are good', count('the time'))
    .option('--reader-config <file>', 'properties for reading lines, as a file')
    .addOption(
      repeatable(
        '--reader-property <key=value>',
        'how to read lines: parse.key, key.separator (tab), parse.headers, headers.delimiter ' +
          '(tab), headers.separator (,), headers.key.separator (:), null.marker, ignore.error',
      ),
    )
    .addOption(hidden(repeatable('--property <key=value>', 'as --reader-property')))
    .addOption(hidden(new Option('--timeout <ms>', 'as --linger').argParser(count('the time'))))
    .addOption(
      hidden(
        new Option('--max-partition-memory-bytes <bytes>', 'as --batch-size').argParser(
          count('the size'),
        ),
      ),
    )
    .addOption(hidden(new Option('--socket-buffer-size <bytes>', 'accepted and not needed')))
    .addOption(hidden(new Option('--line-reader <class>', 'accepted: there is one')));
  addClientFlags(command, 'producer');
  return command;
}

/** Bulk goes over in fewer and larger requests than with Kafka's 16 KiB. */
const bulkBatchBytes = 256 * 1024;

export function producerProperties(io: Io, flags: ProducerFlags): Map<string, string> {
  const properties = clientProperties(io, flags);
  if (properties.has('transactional.id')) {
    throw new UsageError(
      'the lines of the console are in no transaction: leave out transactional.id',
    );
  }
  const set = (key: string, value: string | number | undefined): void => {
    if (value !== undefined) properties.set(key, String(value));
  };
  if (!properties.has('batch.size')) set('batch.size', bulkBatchBytes);
  if (!properties.has('client.id')) set('client.id', 'console-producer');
  set('batch.size', flags.batchSize ?? flags.maxPartitionMemoryBytes);
  set('acks', flags.requestRequiredAcks);
  set('linger.ms', flags.linger ?? flags.timeout);
  set('max.block.ms', flags.maxBlockMs);
  set('buffer.memory', flags.maxMemoryBytes);
  set('retries', flags.messageSendMaxRetries);
  set('request.timeout.ms', flags.requestTimeoutMs);
  set('retry.backoff.ms', flags.retryBackoffMs);
  set('metadata.max.age.ms', flags.metadataExpiryMs);
  set('compression.type', flags.compressionCodec === true ? 'gzip' : flags.compressionCodec);
  return properties;
}

export function readerProperties(io: Io, flags: ProducerFlags): Map<string, string> {
  const { lineReader, readerConfig } = flags;
  if (lineReader !== undefined && !/(^|[.$])LineMessageReader$/.test(lineReader)) {
    throw new UsageError(
      `--line-reader ${lineReader}: Java classes cannot be loaded; org.apache.kafka.tools.` +
        'LineMessageReader is what there is',
    );
  }
  const properties = new Map<string, string>();
  if (readerConfig !== undefined) {
    for (const [key, value] of parseProperties(readText(io, readerConfig))) {
      properties.set(key, value);
    }
  }
  const pairs = [
    ...parsePairs(flags.property, '--property'),
    ...parsePairs(flags.readerProperty, '--reader-property'),
  ];
  for (const [key, value] of pairs) properties.set(key, value);
  return properties;
}
