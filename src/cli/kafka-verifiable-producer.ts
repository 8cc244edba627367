// kafka-verifiable-producer: sends increasing numbers and says of each in a line of JSON whether
// it was acknowledged. For harnesses that break things meanwhile and compare afterwards.

import { type Command, Option } from 'commander';
import {
  KafkaError,
  Producer,
  type ProducerOptions,
  type RecordMetadata,
} from '../client/index.ts';
import type { Io } from '../io/index.ts';
import { errorName } from '../protocol/index.ts';
import { acceptOptions, type ClientFlags, clientProperties, createToolIo } from './client-flags.ts';
import { hidden, integer, kafkaCommand, parseFlags, requireFlags } from './command-line.ts';
import { interruption } from './interruption.ts';
import { OutputStream } from './output-stream.ts';
import { Pace } from './pace.ts';
import { EventOutput } from './verifiable/event-output.ts';

const name = 'kafka-verifiable-producer';

interface Flags extends ClientFlags {
  topic: string;
  maxMessages: number;
  throughput: number;
  acks: number;
  messageCreateTime: number;
  valuePrefix?: number;
  repeatingKeys?: number;
}

function command(): Command {
  const count = integer('the count', -1);
  return kafkaCommand(
    'kafka-verifiable-producer.sh',
    'Send 0, 1, 2 … and print a line of JSON for each that is acknowledged or not.',
  )
    .option('--bootstrap-server <host:port>', 'a broker of the cluster, or several with commas')
    .addOption(hidden(new Option('--broker-list <host:port>', 'as --bootstrap-server')))
    .option('--topic <name>', 'the topic')
    .option('--max-messages <count>', 'how many; -1: until it is stopped', count, -1)
    .option('--throughput <records>', 'records per second; -1: no limit', count, -1)
    .option('--acks <acks>', '-1, 0 or 1', integer('acks', -1, 1), -1)
    .option(
      '--message-create-time <ms>',
      'the timestamp of the first record, since 1970; -1: now',
      integer('the time', -1, Number.MAX_SAFE_INTEGER),
      -1,
    )
    .option('--value-prefix <number>', 'and a dot in front of each value', integer('it', 0))
    .option('--repeating-keys <count>', 'keys 0 to count - 1, over and over', integer('it', 1))
    .option('--command-config <file>', 'producer properties')
    .addOption(hidden(new Option('--producer.config <file>', 'as --command-config')));
}

class VerifiableProducer {
  readonly #io: Io;
  readonly #flags: Flags;
  readonly #producer: Producer;
  readonly #events: EventOutput;
  readonly #startedMs: number;
  sent = 0;
  acked = 0;
  isStopped = false;

  constructor(io: Io, flags: Flags, producer: Producer, events: EventOutput) {
    this.#io = io;
    this.#flags = flags;
    this.#producer = producer;
    this.#events = events;
    this.#startedMs = io.clock.now();
  }

  async send(): Promise<void> {
    const { maxMessages, throughput } = this.#flags;
    const pace = new Pace(this.#io, throughput);
    while ((maxMessages < 0 || this.sent < maxMessages) && !this.isStopped) {
      if (!this.#write(this.sent)) await this.#producer.drained();
      const pause = pace.next();
      if (pause !== null) await pause;
    }
  }

  printSummary(): void {
    const seconds = (this.#io.clock.now() - this.#startedMs) / 1000;
    this.#events.print('tool_data', {
      sent: this.sent,
      acked: this.acked,
      target_throughput: this.#flags.throughput,
      avg_throughput: this.acked / seconds,
    });
  }

  #write(index: number): boolean {
    const { topic, valuePrefix, repeatingKeys, messageCreateTime } = this.#flags;
    const value = valuePrefix === undefined ? `${index}` : `${valuePrefix}.${index}`;
    const key = repeatingKeys === undefined ? null : String(index % repeatingKeys);
    const sinceStart = this.#io.clock.now() - this.#startedMs;
    const time = messageCreateTime < 0 ? {} : { timestamp: messageCreateTime + sinceStart };
    this.sent++;
    return this.#producer.write({ topic, key, value, ...time }, (error, metadata) => {
      if (error === null) this.#onAcked(key, value, metadata as RecordMetadata);
      else this.#onFailed(key, value, error);
    });
  }

  #onAcked(key: string | null, value: string, { topic, partition, offset }: RecordMetadata): void {
    this.acked++;
    this.#events.print('producer_send_success', { key, value, offset, topic, partition });
  }

  #onFailed(key: string | null, value: string, error: Error): void {
    const { topic } = this.#flags;
    const exception = error instanceof KafkaError ? errorName(error.code) : error.name;
    const { message } = error;
    this.#events.print('producer_send_error', { exception, message, topic, key, value });
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(command(), args);
  requireFlags(flags, 'topic');
  const io = createToolIo();
  const properties = clientProperties(io, flags);
  properties.set('acks', String(flags.acks));
  // What is not acknowledged is reported, not hidden behind a retry, unless properties say so.
  if (!properties.has('retries')) properties.set('retries', '0');
  const options = acceptOptions<ProducerOptions>(name, Producer.optionsFromProperties(properties));
  const output = new OutputStream(process.stdout);
  const events = new EventOutput(io, (line) => {
    output.writeText(line);
    void output.flush();
  });
  const producer = new Producer(options, io);
  const work = new VerifiableProducer(io, flags, producer, events);
  events.print('startup_complete');
  const stop = (): void => {
    work.isStopped = true;
  };
  output.onClosed = stop;
  const interrupted = interruption(stop);
  try {
    await work.send();
  } finally {
    await producer.close();
    events.print('shutdown_complete');
    work.printSummary();
    await output.flush();
    interrupted.stop();
  }
  return interrupted.exitCode ?? 0;
}
