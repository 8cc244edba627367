// What clients that nobody here wrote do at a broker that asks who they are, in one shape for all:
// produce, read in a group, write in a transaction. What a client says when it is refused is the
// error that comes of it, in the client's own words.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Consumer, Producer } from '@platformatic/kafka';
import type { KafkaConfig, Message } from 'kafkajs';
import type { ClientProgram, Properties } from './client-program.ts';
import type { ClientKind } from './client-programs.ts';
import { hasKafka, hasKcat, kafkaTool, kcat } from './toolchain.ts';

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

/** `Settings` say who the client is, in its own terms. */
export interface SecuredClient<Settings> {
  readonly name: string;
  readonly hasTransactions: boolean;
  isPresent(t: TestContext): boolean;
  /** Rejects with the client's error. */
  produce(servers: string, settings: Settings, topic: string, value: string): Promise<void>;
  /** The first value, as the only member of a new group. */
  consume(servers: string, settings: Settings, topic: string): Promise<string>;
  /** One record, which is committed. */
  transact(servers: string, settings: Settings, topic: string, value: string): Promise<void>;
  close(): Promise<void>;
}

/** The same client, told who it is in the terms of a test. */
export function toldBy<Said, Settings>(
  client: SecuredClient<Settings>,
  settings: (said: Said) => Settings,
): SecuredClient<Said> {
  return {
    ...client,
    produce: (servers, said, ...what) => client.produce(servers, settings(said), ...what),
    consume: (servers, said, topic) => client.consume(servers, settings(said), topic),
    transact: (servers, said, ...what) => client.transact(servers, settings(said), ...what),
  };
}

/** What a client says, with what lies behind it: some have the cause there alone. */
export function refusalText(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const inner = 'errors' in error ? (error.errors as unknown[]).map(refusalText) : [];
  return [`${error.name} ${error.message}`, refusalText(error.cause), ...inner].join(' ');
}

const readMsMax = 30_000;
let groups = 0;

function newGroup(): string {
  return `g${++groups}`;
}

/** One program for all, started when it is needed. */
export function programClient(kind: ClientKind): SecuredClient<Properties> {
  let program: Promise<ClientProgram> | null = null;
  const started = (servers: string): Promise<ClientProgram> => {
    program ??= kind.start(servers);
    return program;
  };
  const all = (servers: string, settings: Properties): Properties => {
    return { 'bootstrap.servers': servers, ...settings };
  };
  return {
    name: kind.name,
    hasTransactions: kind.hasTransactions,
    isPresent: kind.isPresent,
    async produce(servers, settings, topic, value) {
      const properties = all(servers, settings);
      await (await started(servers)).produce(topic, [{ key: 'k', value }], { properties });
    },
    async consume(servers, settings, topic) {
      const properties = all(servers, settings);
      const member = await (await started(servers)).join(newGroup(), topic, properties);
      const [read] = await member.take(1, readMsMax);
      await member.leave();
      return `${read?.value}`;
    },
    async transact(servers, settings, topic, value) {
      const records = [{ key: 'k', value }];
      const properties = all(servers, settings);
      await (await started(servers)).transact(topic, `x-${topic}`, records, properties);
    },
    async close() {
      await (await program)?.kill();
    },
  };
}

/** The performance test is the one that says what became of a record, and that has transactions. */
export function kafkaToolsClient(directory: () => string): SecuredClient<Properties> {
  let files = 0;
  const fileOf = (name: string, text: string): string => {
    const path = join(directory(), `${++files}-${name}`);
    writeFileSync(path, text);
    return path;
  };
  const at = (servers: string, settings: Properties): readonly string[] => {
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
    const file = fileOf('tool.properties', lines.join(''));
    return ['--bootstrap-server', servers, '--command-config', file];
  };
  const send = async (words: readonly string[], value: string): Promise<void> => {
    const one = ['--num-records', '1', '--throughput', '-1'];
    const payload = ['--payload-file', fileOf('payload', `${value}\n`)];
    const { stdout, stderr } = await kafkaTool('kafka-producer-perf-test', [
      ...[...words, ...one, ...payload],
    ]);
    if (/Exception/.test(stdout + stderr)) throw new Error(stdout + stderr);
  };
  return {
    name: "Kafka's own tools",
    hasTransactions: true,
    isPresent: hasKafka,
    produce: (servers, settings, topic, value) =>
      send([...at(servers, settings), '--topic', topic], value),
    async consume(servers, settings, topic) {
      const group = ['--group', newGroup(), '--topic', topic];
      const first = ['--from-beginning', '--max-messages', '1'];
      const words = [...at(servers, settings), ...group, ...first];
      const { stdout, stderr } = await kafkaTool('kafka-console-consumer', words);
      return stdout.trim() || stderr;
    },
    transact: (servers, settings, topic, value) => {
      const id = ['--transactional-id', `x-${topic}`];
      return send([...at(servers, settings), '--topic', topic, ...id], value);
    },
    close: async () => {},
  };
}

export const kcatClient: SecuredClient<Properties> = {
  name: 'kcat',
  hasTransactions: false,
  isPresent: hasKcat,
  async produce(servers, settings, topic, value) {
    await askKcat(servers, settings, ['-P', '-t', topic], `${value}\n`);
  },
  async consume(servers, settings, topic) {
    const group = ['-X', 'auto.offset.reset=earliest', '-G', newGroup(), '-c', '1', topic];
    return (await askKcat(servers, settings, group)).trim();
  },
  transact: () => Promise.reject(new Error('it knows no transactions')),
  close: async () => {},
};

async function askKcat(
  servers: string,
  settings: Properties,
  args: readonly string[],
  input = '',
): Promise<string> {
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-X', `${key}=${value}`]);
  const options = { input, timeoutMs: readMsMax };
  const { code, stdout, stderr } = await kcat(['-b', servers, ...flags, ...args], options);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

export type KafkajsSettings = Pick<KafkaConfig, 'ssl' | 'sasl'>;

export const kafkajsClient: SecuredClient<KafkajsSettings> = {
  name: 'kafkajs',
  hasTransactions: true,
  isPresent: () => true,
  async produce(servers, settings, topic, value) {
    const producer = kafkajs(servers, settings).producer();
    try {
      await producer.connect();
      await producer.send({ topic, messages: [{ value }] });
    } finally {
      await producer.disconnect();
    }
  },
  async consume(servers, settings, topic) {
    const consumer = kafkajs(servers, settings).consumer({ groupId: newGroup() });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const { value } = await new Promise<Message>((resolve) => {
      void consumer.run({ eachMessage: async ({ message }) => resolve(message) });
    });
    await consumer.disconnect();
    return `${value}`;
  },
  async transact(servers, settings, topic, value) {
    const options = { transactionalId: `x-${topic}`, idempotent: true, maxInFlightRequests: 1 };
    const producer = kafkajs(servers, settings).producer(options);
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value }] });
    await transaction.commit();
    await producer.disconnect();
  },
  close: async () => {},
};

function kafkajs(servers: string, settings: KafkajsSettings): InstanceType<typeof Kafka> {
  const retry = { retries: 2, initialRetryTime: 50 };
  // A second is too short for a handshake on a machine that does other things as well.
  const quiet = { logLevel: logLevel.NOTHING, retry, connectionTimeout: 10_000 };
  return new Kafka({ brokers: [servers], ...quiet, ...settings });
}

export type PlatformaticSettings = Pick<ConstructorParameters<typeof Producer>[0], 'tls' | 'sasl'>;

export const platformaticClient: SecuredClient<PlatformaticSettings> = {
  name: '@platformatic/kafka',
  hasTransactions: true,
  isPresent: () => true,
  async produce(servers, settings, topic, value) {
    const producer = new Producer(platformatic(servers, settings));
    try {
      await producer.send({ messages: [{ topic, value: Buffer.from(value) }] });
    } finally {
      await producer.close();
    }
  },
  async consume(servers, settings, topic) {
    const group = { groupId: newGroup() };
    const consumer = new Consumer({ ...platformatic(servers, settings), ...group });
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest' });
    const value = await new Promise<string>((resolve) => {
      stream.on('data', (message) => resolve(String(message.value)));
    });
    await stream.close();
    await consumer.close(true);
    return value;
  },
  async transact(servers, settings, topic, value) {
    const options = { idempotent: true, transactionalId: `x-${topic}` };
    const producer = new Producer({ ...platformatic(servers, settings), ...options });
    const transaction = await producer.beginTransaction();
    await transaction.send({ messages: [{ topic, value: Buffer.from(value) }] });
    await transaction.commit();
    await producer.close();
  },
  close: async () => {},
};

function platformatic(servers: string, settings: PlatformaticSettings) {
  return { clientId: 'test', bootstrapBrokers: [servers], retries: 0, ...settings };
}
