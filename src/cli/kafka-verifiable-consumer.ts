// kafka-verifiable-consumer: reads as a member of a group and says in lines of JSON what it was
// assigned, consumed and committed. For harnesses that break things meanwhile.

import { type Command, Option } from 'commander';
import {
  Consumer,
  type ConsumerOptions,
  type ConsumerRecord,
  KafkaError,
  type OffsetToCommit,
  type TopicPartition,
} from '../client/index.ts';
import type { Io } from '../io/index.ts';
import { acceptOptions, type ClientFlags, clientProperties, createToolIo } from './client-flags.ts';
import { hidden, integer, kafkaCommand, parseFlags, requireFlags } from './command-line.ts';
import { interruption } from './interruption.ts';
import { OutputStream } from './output-stream.ts';
import { consumedBatch } from './verifiable/consumed-batch.ts';
import { EventOutput } from './verifiable/event-output.ts';

const name = 'kafka-verifiable-consumer';
const pollMs = 500;

interface Flags extends ClientFlags {
  topic: string;
  groupId: string;
  groupProtocol?: string;
  groupRemoteAssignor?: string;
  groupInstanceId?: string;
  maxMessages: number;
  sessionTimeout?: number;
  verbose?: true;
  enableAutocommit?: true;
  resetPolicy: string;
  assignmentStrategy?: string;
}

function command(): Command {
  return kafkaCommand(
    'kafka-verifiable-consumer.sh',
    'Read a topic in a group and print a line of JSON for what is assigned, read and committed.',
  )
    .option('--bootstrap-server <host:port>', 'a broker of the cluster, or several with commas')
    .addOption(hidden(new Option('--broker-list <host:port>', 'as --bootstrap-server')))
    .option('--topic <name>', 'the topic')
    .option('--group-id <id>', 'the group')
    .option('--group-protocol <protocol>', 'classic or consumer (classic)')
    .option('--group-remote-assignor <name>', 'of the broker, with protocol consumer')
    .option('--group-instance-id <id>', 'a name that survives restarts (static membership)')
    .option('--max-messages <count>', 'how many; -1: until it is stopped', integer('it', -1), -1)
    .option('--session-timeout <ms>', 'with protocol classic', integer('the time', 1))
    .option('--verbose', 'a line for each record as well')
    .option('--enable-autocommit', 'commit from time to time instead of after each poll')
    .option('--reset-policy <policy>', 'earliest, latest or none', 'earliest')
    .option('--assignment-strategy <names>', 'with protocol classic; default: range')
    .option('--command-config <file>', 'consumer properties')
    .addOption(hidden(new Option('--consumer.config <file>', 'as --command-config')));
}

function consumerProperties(io: Io, flags: Flags): Map<string, string> {
  const properties = clientProperties(io, flags);
  const isClassic = (flags.groupProtocol ?? 'classic').toLowerCase() === 'classic';
  const set = (key: string, value: string | number | undefined): void => {
    if (value !== undefined) properties.set(key, String(value));
  };
  set('group.id', flags.groupId);
  set('group.protocol', flags.groupProtocol?.toLowerCase());
  set('group.instance.id', flags.groupInstanceId);
  set('auto.offset.reset', flags.resetPolicy);
  set('enable.auto.commit', String(flags.enableAutocommit === true));
  if (isClassic) {
    set('partition.assignment.strategy', flags.assignmentStrategy ?? 'range');
    set('session.timeout.ms', flags.sessionTimeout);
  } else {
    set('group.remote.assignor', flags.groupRemoteAssignor);
  }
  return properties;
}

class VerifiableConsumer {
  readonly #flags: Flags;
  readonly #consumer: Consumer;
  readonly #events: EventOutput;
  #left: number;
  isStopped = false;

  constructor(flags: Flags, consumer: Consumer, events: EventOutput) {
    this.#flags = flags;
    this.#consumer = consumer;
    this.#events = events;
    this.#left = flags.maxMessages < 0 ? Number.POSITIVE_INFINITY : flags.maxMessages;
  }

  async consume(): Promise<void> {
    const changed = (event: 'partitions_assigned' | 'partitions_revoked') => {
      return (places: TopicPartition[]): void => {
        const partitions = places.map(({ topic, partition }) => ({ topic, partition }));
        this.#events.print(event, { partitions });
      };
    };
    this.#consumer.subscribe([this.#flags.topic], {
      onPartitionsAssigned: changed('partitions_assigned'),
      onPartitionsRevoked: changed('partitions_revoked'),
    });
    while (this.#left > 0 && !this.isStopped) {
      const records = await this.#consumer.poll(pollMs);
      if (records.length > 0) await this.#onRecords(records);
    }
  }

  async #onRecords(records: readonly ConsumerRecord[]): Promise<void> {
    const { ranges, records: counted } = consumedBatch(records, this.#left);
    this.#left -= counted.length;
    if (this.#flags.verbose) for (const record of counted) this.#printRecord(record);
    // As Kafka's tool counts: all that the poll brought, though fewer may be in the ranges.
    this.#events.print('records_consumed', { count: records.length, partitions: ranges });
    const offsets = ranges.map(({ topic, partition, maxOffset }) => ({
      topic,
      partition,
      offset: maxOffset + 1,
    }));
    if (!this.#flags.enableAutocommit) await this.#commit(offsets);
  }

  async #commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    try {
      await this.#consumer.commit(offsets);
      this.#events.print('offsets_committed', { offsets, success: true });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#events.print('offsets_committed', { offsets, error: error.message, success: false });
    }
  }

  #printRecord({ key, value, topic, partition, offset }: ConsumerRecord): void {
    this.#events.print('record_data', {
      key: key === null ? null : key.toString(),
      value: value === null ? null : value.toString(),
      topic,
      partition,
      offset,
    });
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(command(), args);
  requireFlags(flags, 'topic', 'group-id');
  const io = createToolIo();
  const properties = consumerProperties(io, flags);
  const options = acceptOptions<ConsumerOptions>(name, Consumer.optionsFromProperties(properties));
  const output = new OutputStream(process.stdout);
  const events = new EventOutput(io, (line) => {
    output.writeText(line);
    void output.flush();
  });
  const consumer = new Consumer(options, io);
  const work = new VerifiableConsumer(flags, consumer, events);
  events.print('startup_complete');
  output.onClosed = () => {
    work.isStopped = true;
  };
  const interrupted = interruption(() => {
    work.isStopped = true;
    events.print('shutdown_requested');
  });
  try {
    await work.consume();
  } finally {
    await consumer.close();
    events.print('shutdown_complete');
    // Kafka's tool says so at its very end when nobody asked for it.
    if (interrupted.exitCode === null) events.print('shutdown_requested');
    await output.flush();
    interrupted.stop();
  }
  return interrupted.exitCode ?? 0;
}
