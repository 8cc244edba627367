// Clients that nobody here wrote prove to a broker of ours who they are, by each mechanism that
// they know: they produce, consume in a group, and are refused with a wrong password.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Consumer, Producer } from '@platformatic/kafka';
import { Admin } from '../../src/client/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import type { ClientProgram, Properties } from './client-program.ts';
import { type ClientKind, confluentClient, franzClient, javaRelease } from './client-programs.ts';
import { hasKafka, hasKcat, kafkaTool, kcat } from './toolchain.ts';

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

type Mechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';

const scram: readonly Mechanism[] = ['SCRAM-SHA-256', 'SCRAM-SHA-512'];
const withPassword: readonly Mechanism[] = ['PLAIN', ...scram];
const all: readonly Mechanism[] = [...withPassword, 'OAUTHBEARER'];

const java = 'org.apache.kafka.common.security';
const moduleOf = {
  PLAIN: `${java}.plain.PlainLoginModule`,
  'SCRAM-SHA-256': `${java}.scram.ScramLoginModule`,
  'SCRAM-SHA-512': `${java}.scram.ScramLoginModule`,
  OAUTHBEARER: `${java}.oauthbearer.OAuthBearerLoginModule`,
};
const prefix = 'listener.name.sasl_plaintext';
const config = {
  listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
  'sasl.enabled.mechanisms': all.join(','),
  [`${prefix}.plain.sasl.jaas.config`]: `${moduleOf.PLAIN} required user_alice="secret";`,
  [`${prefix}.oauthbearer.sasl.jaas.config`]: `${moduleOf.OAUTHBEARER} required;`,
  'connections.max.reauth.ms': '20000',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
};

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function token(): string {
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: 'none' })}.${part({ sub: 'alice', iat: now, exp: now + 3600 })}.`;
}

let broker: BrokerProcess;
let directory: string;
let groups = 0;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'partita-sasl-'));
  broker = await BrokerProcess.start({ config });
  const admin = new Admin({
    bootstrapServers: broker.bootstrapServers,
    securityProtocol: 'SASL_PLAINTEXT',
    sasl: { mechanism: 'PLAIN', username: 'alice', password: 'secret' },
  });
  await admin.credentials.alter([
    { user: 'alice', mechanism: 'SCRAM-SHA-256', password: 'secret' },
    { user: 'alice', mechanism: 'SCRAM-SHA-512', password: 'secret', iterations: 8192 },
  ]);
  await admin.close();
});

after(async () => {
  await broker?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

async function newTopic(): Promise<string> {
  const topic = `t${++groups}`;
  const admin = new Admin({
    bootstrapServers: broker.bootstrapServers,
    securityProtocol: 'SASL_PLAINTEXT',
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'alice', password: 'secret' },
  });
  const [made] = await admin.createTopics([{ name: topic, numPartitions: 1 }]);
  assert.equal(made?.error, null);
  await admin.close();
  return topic;
}

/** As Java's clients take it, all in one line. */
function javaProperties(mechanism: Mechanism, password: string): Properties {
  const module = moduleOf[mechanism];
  const options =
    mechanism === 'OAUTHBEARER'
      ? `unsecuredLoginStringClaim_sub="${password === 'secret' ? 'alice' : ''}"`
      : `username="alice" password="${password}"`;
  return {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': mechanism,
    'sasl.jaas.config': `${module} required ${options};`,
  };
}

function librdkafkaProperties(mechanism: Mechanism, password: string): Properties {
  const common = { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': mechanism };
  if (mechanism !== 'OAUTHBEARER') {
    return { ...common, 'sasl.username': 'alice', 'sasl.password': password };
  }
  const claims = password === 'secret' ? 'principal=alice' : 'principal=alice lifeSeconds=1';
  return {
    ...common,
    'enable.sasl.oauthbearer.unsecure.jwt': 'true',
    'sasl.oauthbearer.config': claims,
  };
}

function franzProperties(mechanism: Mechanism, password: string): Properties {
  return {
    'sasl.mechanism': mechanism,
    username: 'alice',
    password,
    ...(mechanism === 'OAUTHBEARER' ? { token: password === 'secret' ? token() : 'x.y.z' } : {}),
  };
}

interface Known {
  readonly kind: ClientKind;
  readonly mechanisms: readonly Mechanism[];
  readonly properties: (mechanism: Mechanism, password: string) => Properties;
  /** What the client calls it. */
  readonly refusal: RegExp;
}

const exception = /SaslAuthenticationException|AuthenticationException|SaslAuthentication/;
/** Handshakes of version 0 have no room for what is wrong: the connection ends. */
const ended = /TimeoutException|timed out|expired|metadata/i;

const clients: readonly Known[] = [
  {
    kind: javaRelease('4.4.0'),
    mechanisms: withPassword,
    properties: javaProperties,
    refusal: exception,
  },
  {
    kind: javaRelease('2.8.2'),
    mechanisms: withPassword,
    properties: javaProperties,
    refusal: exception,
  },
  {
    kind: javaRelease('1.1.1'),
    mechanisms: withPassword,
    properties: javaProperties,
    refusal: exception,
  },
  {
    kind: javaRelease('0.10.2.0'),
    // Its SCRAM needs a class that Java has dropped (javax.xml.bind).
    mechanisms: ['PLAIN'],
    properties: (mechanism, password) => ({
      ...javaProperties(mechanism, password),
      'max.block.ms': 3000,
    }),
    refusal: ended,
  },
  {
    kind: confluentClient,
    mechanisms: all,
    properties: (mechanism, password) => ({
      ...librdkafkaProperties(mechanism, password),
      ...(password === 'secret' ? {} : { 'message.timeout.ms': 3000 }),
    }),
    refusal: /_MSG_TIMED_OUT|timed out|_AUTHENTICATION/i,
  },
  {
    kind: franzClient,
    mechanisms: all,
    properties: franzProperties,
    refusal: /SASL_AUTHENTICATION_FAILED|invalid_token|sasl|oauth/i,
  },
];

for (const { kind, mechanisms, properties, refusal } of clients) {
  describe(kind.name, () => {
    let program: ClientProgram | null = null;
    after(async () => {
      await program?.kill();
    });

    for (const mechanism of mechanisms) {
      test(`produces and consumes in a group with ${mechanism}`, async (t) => {
        if (!kind.isPresent(t)) return;
        program ??= await kind.start(broker.bootstrapServers);
        const topic = await newTopic();
        const right = properties(mechanism, 'secret');
        const [offset] = await program.produce(topic, [{ key: 'k', value: mechanism }], {
          properties: right,
        });
        assert.equal(offset, 0);
        const { 'max.block.ms': _, ...ofConsumer } = right;
        const member = await program.join(`g-${topic}`, topic, ofConsumer);
        const [read] = await member.take(1, 30_000);
        assert.equal(read?.value, mechanism);
        await member.leave();
      });
    }

    const checked = mechanisms.filter((each) => each !== 'OAUTHBEARER' || kind === franzClient);
    for (const mechanism of checked) {
      test(`is refused with a wrong password and ${mechanism}`, async (t) => {
        if (!kind.isPresent(t)) return;
        program ??= await kind.start(broker.bootstrapServers);
        const topic = await newTopic();
        const wrong = properties(mechanism, 'wrong');
        const sent = program.produce(topic, [{ key: 'k', value: 'v' }], { properties: wrong });
        await assert.rejects(sent, (error: Error) => {
          assert.match(`${error.name} ${error.message}`, refusal);
          return true;
        });
      });
    }
  });
}

/**
 * librdkafka before 2.6.1 does not send the nonce that it was given, which Apache Kafka has refused
 * since CVE-2024-56128: 4.3.1 answers it as we do.
 */
async function repeatsNonces(): Promise<boolean> {
  const { stdout, stderr } = await kcat(['-V']);
  const [, major, minor] = /librdkafka (\d+)\.(\d+)/.exec(stdout + stderr) ?? [];
  return Number(major) < 2 || (Number(major) === 2 && Number(minor) < 6);
}

describe('kcat', () => {
  const flags = (mechanism: Mechanism, password: string): string[] => {
    const given = Object.entries(librdkafkaProperties(mechanism, password));
    return ['-b', broker.bootstrapServers, ...given.flatMap(([k, v]) => ['-X', `${k}=${v}`])];
  };
  for (const mechanism of all) {
    test(`produces and consumes in a group with ${mechanism}`, async (t) => {
      if (!hasKcat(t)) return;
      if (scram.includes(mechanism) && (await repeatsNonces())) {
        const { stderr } = await kcat([...flags(mechanism, 'secret'), '-L', '-m', '5']);
        assert.match(stderr, /invalid credentials with SASL mechanism/);
        return;
      }
      const topic = await newTopic();
      const right = flags(mechanism, 'secret');
      const sent = await kcat([...right, '-P', '-t', topic], { input: 'v\n', timeoutMs: 30_000 });
      assert.equal(sent.code, 0, sent.stderr);
      const group = ['-X', 'auto.offset.reset=earliest', '-G', `g-${topic}`, '-c', '1', topic];
      const read = await kcat([...right, ...group], { timeoutMs: 30_000 });
      assert.equal(read.stdout.trim(), 'v', read.stderr);
    });
  }
  for (const mechanism of withPassword) {
    test(`is refused with a wrong password and ${mechanism}`, async (t) => {
      if (!hasKcat(t)) return;
      const all = [...flags(mechanism, 'wrong'), '-L', '-m', '5'];
      const { stderr } = await kcat(all, { timeoutMs: 30_000 });
      assert.match(stderr, /Invalid username or password|invalid credentials with SASL mechanism/);
    });
  }
});

describe('kafkajs', () => {
  const client = (mechanism: string, password: string) =>
    new Kafka({
      brokers: [broker.bootstrapServers],
      logLevel: logLevel.NOTHING,
      retry: { retries: 2 },
      sasl: (mechanism === 'OAUTHBEARER'
        ? { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: token() }) }
        : { mechanism: mechanism.toLowerCase(), username: 'alice', password }) as never,
    });
  for (const mechanism of all) {
    test(`produces and consumes in a group with ${mechanism}`, async () => {
      const topic = await newTopic();
      const kafka = client(mechanism, 'secret');
      const producer = kafka.producer();
      await producer.connect();
      await producer.send({ topic, messages: [{ value: mechanism }] });
      await producer.disconnect();
      const consumer = kafka.consumer({ groupId: `g-${topic}` });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      const value = await new Promise<string>((resolve) => {
        void consumer.run({
          eachMessage: async ({ message }) => resolve(String(message.value)),
        });
      });
      assert.equal(value, mechanism);
      await consumer.disconnect();
    });
  }
  for (const mechanism of withPassword) {
    test(`is refused with a wrong password and ${mechanism}`, async () => {
      await assert.rejects(client(mechanism, 'wrong').producer().connect(), (error: Error) => {
        assert.match(error.name, /KafkaJSSASLAuthenticationError/);
        return true;
      });
    });
  }
});

describe('@platformatic/kafka', () => {
  const options = (mechanism: Mechanism, password: string) => ({
    clientId: 'test',
    bootstrapBrokers: [broker.bootstrapServers],
    retries: 0,
    sasl:
      mechanism === 'OAUTHBEARER'
        ? ({ mechanism, token: token() } as const)
        : ({ mechanism, username: 'alice', password } as const),
  });
  for (const mechanism of all) {
    test(`produces and consumes in a group with ${mechanism}`, async () => {
      const topic = await newTopic();
      const producer = new Producer(options(mechanism, 'secret'));
      const messages = [{ topic, value: Buffer.from(mechanism) }];
      await producer.send({ messages });
      await producer.close();
      const settings = { ...options(mechanism, 'secret'), groupId: `g-${topic}` };
      const consumer = new Consumer(settings);
      const stream = await consumer.consume({ topics: [topic], mode: 'earliest' });
      const value = await new Promise<string>((resolve) => {
        stream.on('data', (message) => resolve(String(message.value)));
      });
      assert.equal(value, mechanism);
      await stream.close();
      await consumer.close(true);
    });
  }
  for (const mechanism of withPassword) {
    test(`is refused with a wrong password and ${mechanism}`, async () => {
      const topic = await newTopic();
      const producer = new Producer(options(mechanism, 'wrong'));
      const messages = [{ topic, value: Buffer.from('v') }];
      await assert.rejects(producer.send({ messages }));
      await producer.close();
    });
  }
});

describe("Kafka's own tools", () => {
  const propertiesFile = (name: string, properties: Properties): string => {
    const path = join(directory, name);
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(path, lines.join(''));
    return path;
  };

  test('list topics by an unsecured token', async (t) => {
    if (!hasKafka(t)) return;
    const file = propertiesFile('token.properties', javaProperties('OAUTHBEARER', 'secret'));
    const at = ['--bootstrap-server', broker.bootstrapServers, '--command-config', file];
    const { code, stderr } = await kafkaTool('kafka-topics', [...at, '--list']);
    assert.equal(code, 0, stderr);
  });

  test('alter users of SCRAM, and are refused with a wrong password', async (t) => {
    if (!hasKafka(t)) return;
    const right = propertiesFile('right.properties', javaProperties('SCRAM-SHA-256', 'secret'));
    const at = ['--bootstrap-server', broker.bootstrapServers];
    const user = ['--entity-type', 'users', '--entity-name', 'bob'];
    const add = 'SCRAM-SHA-256=[iterations=8192,password=builder]';
    const alter = [...at, '--command-config', right, '--alter', '--add-config', add, ...user];
    const altered = await kafkaTool('kafka-configs', alter);
    assert.match(altered.stdout, /Completed updating config for user bob/, altered.stderr);
    const ofBob = 'username="bob" password="builder"';
    const asBob = {
      ...javaProperties('SCRAM-SHA-256', ''),
      'sasl.jaas.config': `${moduleOf['SCRAM-SHA-256']} required ${ofBob};`,
    };
    const bob = propertiesFile('bob.properties', asBob);
    const listed = await kafkaTool('kafka-topics', [...at, '--command-config', bob, '--list']);
    assert.equal(listed.code, 0, listed.stderr);
    const wrong = propertiesFile('wrong.properties', javaProperties('SCRAM-SHA-256', 'wrong'));
    const refused = await kafkaTool('kafka-topics', [...at, '--command-config', wrong, '--list']);
    assert.match(
      refused.stdout + refused.stderr,
      /Authentication failed during authentication due to invalid credentials with SASL mechanism/,
    );
  });
});
