// kafka-console-producer: sends each line of standard input as a record. Reading pauses while the
// producer's memory is full, so that a file of any size takes bounded memory; a broker that
// restarts midway costs time, not records. What could not be delivered is said line by line, and
// makes the exit code 1.

import { Producer, type ProducerOptions } from '../client/index.ts';
import type { Io } from '../io/index.ts';
import { acceptOptions, createToolIo, withNotice } from './client-flags.ts';
import { parseFlags, requireFlags } from './command-line.ts';
import { LineReader } from './console-producer/line-reader.ts';
import { LineSplitter } from './console-producer/line-splitter.ts';
import {
  type ProducerFlags,
  producerCommand,
  producerProperties,
  readerProperties,
} from './console-producer/producer-flags.ts';
import { interruption } from './interruption.ts';
import { startProgress, transferText } from './progress.ts';

const name = 'kafka-console-producer';

class LineProducer {
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #reader: LineReader;
  readonly #isSync: boolean;
  readonly #splitter = new LineSplitter();
  bytes = 0;
  failures = 0;

  constructor(producer: Producer, topic: string, reader: LineReader, isSync: boolean) {
    this.#producer = producer;
    this.#topic = topic;
    this.#reader = reader;
    this.#isSync = isSync;
  }

  get lines(): number {
    return this.#splitter.lineNumber;
  }

  /** Sends the lines that end in this chunk. */
  async push(chunk: Buffer): Promise<void> {
    const splitter = this.#splitter;
    this.bytes += chunk.length;
    splitter.push(chunk);
    for (let line = splitter.next(); line !== null; line = splitter.next()) {
      if (!this.#send(line)) await this.#settle();
    }
  }

  /** Sends what is left without a line end. */
  async end(): Promise<void> {
    const line = this.#splitter.end();
    if (line !== null && !this.#send(line)) await this.#settle();
  }

  /** False if the caller shall wait. */
  #send(line: Buffer): boolean {
    const number = this.#splitter.lineNumber;
    const record = this.#reader.read(line, number);
    const hasRoom = this.#producer.write(record, (error) => {
      if (error !== null) this.#onFailed(number, error);
    });
    return hasRoom && !this.#isSync;
  }

  async #settle(): Promise<void> {
    if (this.#isSync) await this.#producer.flush();
    else await this.#producer.drained();
  }

  #onFailed(line: number, error: Error): void {
    this.failures++;
    const reason = error.message.replaceAll('\n', ' ');
    process.stderr.write(`${name}: line ${line} was not delivered to ${this.#topic}: ${reason}\n`);
  }
}

async function readInput(io: Io, producer: Producer, lines: LineProducer, flags: ProducerFlags) {
  const input = process.stdin;
  const prompts = input.isTTY === true && process.stdout.isTTY === true;
  const prompt = (): void => {
    if (prompts) process.stdout.write('>');
  };
  const waiting = `${name}: waiting for topic ${flags.topic}`;
  prompt();
  let isTopicKnown = false;
  for await (const chunk of input) {
    if (!isTopicKnown) {
      // A cluster that cannot be reached is one line, not one for each line of the input.
      await withNotice(io, waiting, producer.partitionsFor(flags.topic as string));
      isTopicKnown = true;
    }
    await lines.push(chunk as Buffer);
    prompt();
  }
  await lines.end();
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<ProducerFlags>(producerCommand(), args);
  requireFlags(flags, 'topic');
  const io = createToolIo();
  const topic = flags.topic as string;
  const reader = new LineReader(topic, readerProperties(io, flags));
  const properties = producerProperties(io, flags);
  const options = acceptOptions<ProducerOptions>(name, Producer.optionsFromProperties(properties));
  const producer = new Producer(options, io);
  const lines = new LineProducer(producer, topic, reader, flags.sync === true);
  const progress = process.stdin.isTTY
    ? null
    : startProgress(io, (ms) => transferText(lines.bytes, lines.lines, 'lines', ms));
  const interrupted = interruption(() => process.stdin.destroy());
  try {
    await readInput(io, producer, lines, flags).catch((error: unknown) => {
      // Ctrl-C ends the input; what was read before is still delivered.
      if (interrupted.exitCode === null) throw error;
    });
  } finally {
    process.stdin.destroy();
    await producer.close();
    progress?.stop();
    interrupted.stop();
  }
  return interrupted.exitCode ?? (lines.failures > 0 ? 1 : 0);
}
