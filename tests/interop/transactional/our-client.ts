// Our client's transactional programs; what they do and say is in java/*.java.
//
//   our-client.js writer servers transactional-id incarnation topic:partitions,... properties
//   our-client.js copier servers transactional-id group input output properties [messages]
//   our-client.js transactor servers
//
// `messages` is the most that one transaction of the copier copies (100).

import { createInterface } from 'node:readline';
import {
  Consumer,
  type ConsumerRecord,
  KafkaError,
  type OffsetToCommit,
  Producer,
  type ProducerOptions,
  TransactionError,
} from '../../../src/client/index.ts';

const [program = '', bootstrapServers = '', ...args] = process.argv.slice(2);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const nameOf = (error: unknown): string =>
  error instanceof KafkaError ? error.errorName : String(error);

function propertiesOf(text: string): Map<string, string> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return new Map(pairs.map((pair) => pair.split('=', 2) as [string, string]));
}

function createProducer(transactionalId: string, properties: string): Producer {
  const { options } = Producer.optionsFromProperties(propertiesOf(properties));
  const all: ProducerOptions = { lingerMs: 1, ...options, bootstrapServers, transactionalId };
  return new Producer(all);
}

function createConsumer(groupId: string, properties: string): Consumer {
  const { options } = Consumer.optionsFromProperties(propertiesOf(properties));
  return new Consumer({
    ...options,
    bootstrapServers,
    groupId,
    enableAutoCommit: false,
    isolationLevel: 'read_committed',
    autoOffsetReset: 'earliest',
  });
}

/** Turns once stdin is closed. */
function ended(): () => boolean {
  let isEnded = false;
  process.stdin.on('end', () => {
    isEnded = true;
  });
  process.stdin.resume();
  return () => isEnded;
}

/** A call that has timed out may be called again: it goes on with what it has begun. */
async function untilAnswered(call: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      const isLate = error instanceof KafkaError && error.errorName === 'REQUEST_TIMED_OUT';
      if (!isLate || error instanceof TransactionError) throw error;
    }
  }
}

/** After an error that a producer cannot get over its successor takes its id over. */
async function abortOrDie(producer: Producer, error: unknown, what: string): Promise<void> {
  let fatal = error;
  if (!(error instanceof TransactionError) || !error.isFatal) {
    try {
      await untilAnswered(() => producer.abortTransaction());
      return;
    } catch (failure) {
      fatal = failure;
    }
  }
  process.stdout.write(`fatal ${what} ${nameOf(fatal)}\n`, () => process.exit(2));
  await new Promise(() => {});
}

class Writer {
  readonly #producer: Producer;
  readonly #name: string;
  readonly #partitions: { topic: string; partition: number }[] = [];

  constructor(transactionalId: string, incarnation: string, topics: string, properties: string) {
    this.#producer = createProducer(transactionalId, properties);
    this.#name = `${transactionalId}/${incarnation}`;
    for (const each of topics.split(',')) {
      const [topic = '', count] = each.split(':');
      for (let partition = 0; partition < Number(count); partition++) {
        this.#partitions.push({ topic, partition });
      }
    }
  }

  async run(): Promise<void> {
    const isEnded = ended();
    await untilAnswered(() => this.#producer.initTransactions());
    for (let number = 0; !isEnded(); number++) {
      await this.#write(number);
      await sleep(Math.random() * 40);
    }
    await this.#producer.close();
    say('done');
  }

  async #write(number: number): Promise<void> {
    const shuffled = this.#partitions
      .map((place) => ({ place, at: Math.random() }))
      .sort((a, b) => a.at - b.at);
    const chosen = shuffled.slice(0, 2 + Math.floor(Math.random() * (shuffled.length - 1)));
    const plan = chosen.map(({ place }) => ({
      ...place,
      count: 1 + Math.floor(Math.random() * 4),
    }));
    const text = plan.map(({ topic, partition, count }) => `${topic}-${partition}:${count}`);
    say(`begin ${number} ${text.join()}`);
    try {
      this.#producer.beginTransaction();
      let index = 0;
      for (const { topic, partition, count } of plan) {
        for (let i = 0; i < count; i++) {
          const value = `${this.#name}/${number}/${index++}`;
          void this.#producer.send({ topic, partition, value });
        }
        // A transaction that is open for a while, some of its records being there already.
        if (Math.random() < 0.125) await sleep(Math.random() * 60);
      }
      if (Math.random() < 0.2) {
        await this.#abort(number, null);
        return;
      }
      say(`committing ${number}`);
      await untilAnswered(() => this.#producer.commitTransaction());
      say(`committed ${number}`);
    } catch (error) {
      await this.#abort(number, error);
    }
  }

  async #abort(number: number, error: unknown): Promise<void> {
    say(`aborting ${number}${error === null ? '' : ` ${nameOf(error)}`}`);
    await abortOrDie(this.#producer, error, String(number));
    say(`aborted ${number}`);
  }
}

const consumerKeys = ['session.timeout.ms', 'heartbeat.interval.ms', 'group.protocol'];

class Copier {
  readonly #producer: Producer;
  readonly #consumer: Consumer;
  readonly #output: string;

  constructor(settings: readonly string[]) {
    const [transactionalId = '', group = '', input = '', output = ''] = settings;
    const [, , , , properties = '', messages = '100'] = settings;
    const pairs = properties.split(',');
    const isConsumers = (pair: string): boolean =>
      consumerKeys.includes(pair.split('=')[0] as string);
    const ofConsumer = [...pairs.filter(isConsumers), `max.poll.records=${messages}`];
    this.#producer = createProducer(transactionalId, pairs.filter((p) => !isConsumers(p)).join());
    this.#consumer = createConsumer(group, ofConsumer.join());
    this.#consumer.subscribe([input]);
    this.#output = output;
  }

  async run(): Promise<void> {
    const isEnded = ended();
    await untilAnswered(() => this.#producer.initTransactions());
    while (!isEnded()) {
      const records = await this.#consumer.poll(200);
      if (records.length > 0) await this.#copy(records);
    }
    await this.#consumer.close();
    await this.#producer.close();
    say('done');
  }

  async #copy(records: readonly ConsumerRecord[]): Promise<void> {
    const producer = this.#producer;
    try {
      producer.beginTransaction();
      const offsets = new Map<string, OffsetToCommit>();
      for (const { topic, partition, offset, key, value } of records) {
        void producer.send({ topic: this.#output, partition, key, value });
        offsets.set(`${topic}-${partition}`, { topic, partition, offset: offset + 1 });
      }
      const member = this.#consumer.groupMetadata();
      await producer.sendOffsetsToTransaction([...offsets.values()], member);
      await untilAnswered(() => producer.commitTransaction());
      say(`copied ${records.length}`);
    } catch (error) {
      say(`aborting ${nameOf(error)}`);
      await abortOrDie(producer, error, 'copy');
      this.#consumer.seekToCommitted();
    }
  }
}

class Transactor {
  readonly #producers = new Map<string, Producer>();
  readonly #members = new Map<string, { consumer: Consumer; topic: string }>();

  async run(): Promise<void> {
    for await (const line of createInterface({ input: process.stdin })) {
      const [id, verb = '', name = '', ...given] = line.split('\t');
      this.#carryOut(verb, name, given).then(
        (answer) => say([...answer, 'ok'].map((each) => `${id}\t${each}`).join('\n')),
        (error: Error) => {
          const text = error.message.replace(/[\t\r\n]/g, ' ');
          say(`${id}\terror\t${nameOf(error)}\t${text}`);
        },
      );
    }
    process.exit(0);
  }

  async #carryOut(verb: string, name: string, given: readonly string[]): Promise<string[]> {
    const [first = '', second = '', third = '', fourth = ''] = given;
    if (verb === 'open') {
      const producer = createProducer(first, second);
      this.#producers.set(name, producer);
      await producer.initTransactions();
      return [];
    }
    if (verb === 'joined') return this.#join(name, first, second, third);
    if (verb === 'committed') {
      const { consumer, topic } = this.#member(name);
      const [found] = await consumer.committed([{ topic, partition: 0 }]);
      return [`offset\t${found?.offset ?? 0}`];
    }
    const producer = this.#producers.get(name);
    if (producer === undefined) throw new Error(`no producer ${name}`);
    if (verb === 'begin') producer.beginTransaction();
    else if (verb === 'commit') await producer.commitTransaction();
    else if (verb === 'abort') await producer.abortTransaction();
    else if (verb === 'close') await producer.close();
    else if (verb === 'send') return this.#send(producer, first, Number(second), given.slice(2));
    else if (verb === 'offsets') {
      const offset = { topic: second, partition: Number(third), offset: Number(fourth) };
      const member = this.#member(first).consumer.groupMetadata();
      await producer.sendOffsetsToTransaction([offset], member);
    } else if (verb === 'stale-offsets') {
      const offset = { topic: fourth, partition: Number(given[4]), offset: Number(given[5]) };
      const member = { groupId: first, generationId: Number(second), memberId: third };
      await producer.sendOffsetsToTransaction([offset], { ...member, groupInstanceId: null });
    } else throw new Error(`no such verb: ${verb}`);
    return [];
  }

  async #join(name: string, group: string, topic: string, properties: string): Promise<string[]> {
    const consumer = createConsumer(group, properties);
    this.#members.set(name, { consumer, topic });
    consumer.subscribe([topic]);
    while (consumer.assignment().length === 0) await consumer.poll(50);
    const { memberId, generationId } = consumer.groupMetadata();
    return [`member\t${memberId}\t${generationId}`];
  }

  async #send(
    producer: Producer,
    topic: string,
    partition: number,
    values: readonly string[],
  ): Promise<string[]> {
    const sent = await Promise.all(
      values.map((value) => producer.send({ topic, partition, value })),
    );
    return sent.map(({ offset }) => `offset\t${offset}`);
  }

  #member(name: string): { consumer: Consumer; topic: string } {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  }
}

if (program === 'writer') {
  const [transactionalId = '', incarnation = '', topics = '', properties = ''] = args;
  await new Writer(transactionalId, incarnation, topics, properties).run();
} else if (program === 'copier') await new Copier(args).run();
else if (program === 'transactor') await new Transactor().run();
else throw new Error(`no such program: ${program}`);
