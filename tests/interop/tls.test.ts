// Clients that nobody here wrote over TLS: with and without certificates of their own, and refused
// with the right error for an authority they do not know, a wrong host name, an expired
// certificate, and a certificate that they do not show.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { Producer } from '@platformatic/kafka';
import { Admin } from '../../src/client/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { golden, storePassword } from '../doubles/security/key-stores.ts';
import type { ClientProgram, Properties } from './client-program.ts';
import { type ClientKind, confluentClient, javaRelease } from './client-programs.ts';
import { hasKcat, kcat } from './toolchain.ts';

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

/** Brokers by what they show and demand. */
type Kind = 'open' | 'mutual' | 'expired';

const brokers = new Map<Kind, BrokerProcess>();
let topics = 0;

const stores: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  open: { 'ssl.keystore.location': golden('java8.p12') },
  mutual: {
    'ssl.keystore.location': golden('java17.p12'),
    'ssl.client.auth': 'required',
    'ssl.truststore.location': golden('java8-trust.p12'),
    'ssl.truststore.password': storePassword,
  },
  expired: { 'ssl.keystore.location': golden('expired.p12') },
};

before(async () => {
  for (const kind of ['open', 'mutual', 'expired'] as const) {
    const config = {
      // Reached by 127.0.0.2 as well, which no certificate is for.
      ...{ listeners: 'SSL://0.0.0.0:0', 'security.inter.broker.protocol': 'SSL' },
      ...{ 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '1' },
      'ssl.keystore.password': storePassword,
      ...stores[kind],
    };
    brokers.set(kind, await BrokerProcess.start({ config }));
  }
});
after(async () => {
  for (const broker of brokers.values()) await broker.dispose();
});

function serversOf(kind: Kind, host = 'localhost'): string {
  return `${host}:${(brokers.get(kind) as BrokerProcess).port}`;
}

async function newTopic(kind: Kind): Promise<string> {
  const topic = `t${++topics}`;
  const ssl = {
    ...{ truststoreLocation: golden('root.pem'), truststoreType: 'PEM' },
    ...{ keystoreLocation: golden('openssl.p12'), keystorePassword: storePassword },
  };
  const admin = new Admin({ bootstrapServers: serversOf(kind), securityProtocol: 'SSL', ssl });
  const [made] = await admin.createTopics([{ name: topic, numPartitions: 1 }]);
  assert.equal(made?.error, null);
  await admin.close();
  return topic;
}

interface Shown {
  /** Default: root.pem in the form the client reads. */
  readonly trusts?: 'root' | 'old-root' | 'nobody';
  readonly isShown?: boolean;
}

function javaProperties({ trusts = 'root', isShown = false }: Shown): Properties {
  const trust = { root: 'trust.jks', 'old-root': 'old-root.pem', nobody: null }[trusts];
  const type = trust?.endsWith('.pem') ? 'PEM' : 'JKS';
  return {
    'security.protocol': 'SSL',
    ...(trust === null ? {} : { 'ssl.truststore.location': golden(trust) }),
    ...(trust === null || type === 'PEM' ? {} : { 'ssl.truststore.password': storePassword }),
    ...(trust === null ? {} : { 'ssl.truststore.type': type }),
    ...(isShown ? { 'ssl.keystore.location': golden('java17.p12') } : {}),
    ...(isShown ? { 'ssl.keystore.password': storePassword, 'ssl.keystore.type': 'PKCS12' } : {}),
  };
}

function librdkafkaProperties({ trusts = 'root', isShown = false }: Shown): Properties {
  return {
    'security.protocol': 'SSL',
    ...(trusts === 'nobody' ? {} : { 'ssl.ca.location': golden(`${trusts}.pem`) }),
    ...(isShown ? { 'ssl.certificate.location': golden('chain.pem') } : {}),
    ...(isShown ? { 'ssl.key.location': golden('key.pem') } : {}),
  };
}

interface Known {
  readonly kind: ClientKind;
  readonly properties: (shown: Shown) => Properties;
  /** What the client says when it does not trust the broker. */
  readonly refusal: RegExp;
}

const clients: readonly Known[] = [
  ...['4.4.0', '2.8.2'].map((release) => ({
    kind: javaRelease(release),
    properties: javaProperties,
    refusal: /SslAuthenticationException|SSL handshake failed|post-handshake/,
  })),
  {
    kind: confluentClient,
    properties: (shown) => ({ ...librdkafkaProperties(shown), 'message.timeout.ms': 4000 }),
    refusal: /_MSG_TIMED_OUT|timed out|_SSL/i,
  },
];

for (const { kind, properties, refusal } of clients) {
  describe(kind.name, () => {
    for (const at of ['open', 'mutual'] as const) {
      test(`produces and consumes in a group, ${at}`, async (t) => {
        if (!kind.isPresent(t)) return;
        const program = await kind.start(serversOf(at));
        try {
          const topic = await newTopic(at);
          const right = properties({ isShown: at === 'mutual' });
          await program.produce(topic, [{ key: 'k', value: at }], { properties: right });
          const { 'message.timeout.ms': _, ...ofConsumer } = right;
          const member = await program.join(`g-${topic}`, topic, ofConsumer);
          const [read] = await member.take(1, 30_000);
          assert.equal(read?.value, at);
          await member.leave();
        } finally {
          await program.kill();
        }
      });
    }

    const refused: readonly (readonly [why: string, at: Kind, host: string, shown: Shown])[] = [
      ['an authority that it does not know', 'open', 'localhost', { trusts: 'nobody' }],
      ['a wrong host name', 'open', '127.0.0.2', {}],
      ['an expired certificate', 'expired', 'localhost', { trusts: 'old-root' }],
      ['a certificate that it does not show', 'mutual', 'localhost', {}],
    ];
    for (const [why, at, host, shown] of refused) {
      test(`is refused for ${why}`, async (t) => {
        if (!kind.isPresent(t)) return;
        // Java 2.8 knows PEM since 2.7, and says the same.
        const program: ClientProgram = await kind.start(serversOf(at, host));
        try {
          const sent = program.produce('t', [{ key: 'k', value: 'v' }], {
            properties: properties(shown),
          });
          await assert.rejects(sent, (error: Error) => {
            assert.match(`${error.name} ${error.message}`, refusal);
            return true;
          });
        } finally {
          await program.kill();
        }
      });
    }
  });
}

describe('kcat', () => {
  const flags = (at: Kind, shown: Shown, host?: string): string[] => {
    const given = Object.entries(librdkafkaProperties(shown));
    return ['-b', serversOf(at, host), ...given.flatMap(([k, v]) => ['-X', `${k}=${v}`])];
  };
  for (const at of ['open', 'mutual'] as const) {
    test(`produces and consumes, ${at}`, async (t) => {
      if (!hasKcat(t)) return;
      const topic = await newTopic(at);
      const right = flags(at, { isShown: at === 'mutual' });
      const sent = await kcat([...right, '-P', '-t', topic], { input: 'v\n', timeoutMs: 30_000 });
      assert.equal(sent.code, 0, sent.stderr);
      const read = await kcat([...right, '-C', '-t', topic, '-e', '-q'], { timeoutMs: 30_000 });
      assert.equal(read.stdout.trim(), 'v', read.stderr);
    });
  }
  const refused: readonly (readonly [string, Kind, Shown, RegExp, string?])[] = [
    [
      'an authority that it does not know',
      'open',
      { trusts: 'old-root' },
      /certificate verify fail/,
    ],
    ['a wrong host name', 'open', {}, /certificate verify failed|hostname/i, '127.0.0.2'],
    [
      'an expired certificate',
      'expired',
      { trusts: 'old-root' },
      /certificate.*expired|verify fail/,
    ],
    ['a certificate that it does not show', 'mutual', {}, /alert certificate required/],
  ];
  for (const [why, at, shown, message, host] of refused) {
    test(`is refused for ${why}`, async (t) => {
      if (!hasKcat(t)) return;
      const verify = ['-X', 'ssl.endpoint.identification.algorithm=https', '-L', '-m', '4'];
      const { code, stderr } = await kcat([...flags(at, shown, host), ...verify], {
        timeoutMs: 30_000,
      });
      assert.notEqual(code, 0);
      assert.match(stderr, message);
    });
  }
});

const pem = (name: string): string => readFileSync(golden(name), 'utf8');
const identity = { cert: pem('chain.pem'), key: pem('key.pem') };

for (const at of ['open', 'mutual'] as const) {
  const ssl = { ca: [pem('root.pem')], ...(at === 'mutual' ? identity : {}) };

  test(`kafkajs produces and consumes, ${at}`, async () => {
    const topic = await newTopic(at);
    const kafka = new Kafka({ brokers: [serversOf(at)], logLevel: logLevel.NOTHING, ssl });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ value: at }] });
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId: `g-${topic}` });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const value = await new Promise<string>((resolve) => {
      void consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) });
    });
    assert.equal(value, at);
    await consumer.disconnect();
  });

  test(`@platformatic/kafka produces, ${at}`, async () => {
    const topic = await newTopic(at);
    const bootstrapBrokers = [serversOf(at)];
    const producer = new Producer({ clientId: 'test', bootstrapBrokers, retries: 0, tls: ssl });
    const sent = await producer.send({ messages: [{ topic, value: Buffer.from(at) }] });
    assert.equal(sent.offsets?.[0]?.offset, 0n);
    await producer.close();
  });
}

test('kafkajs is refused for an authority that it does not know', async () => {
  const kafka = new Kafka({
    ...{ brokers: [serversOf('open')], logLevel: logLevel.NOTHING, retry: { retries: 0 } },
    ssl: { ca: [pem('old-root.pem')] },
  });
  await assert.rejects(kafka.producer().connect(), /unable to verify|self.signed|issuer/i);
});
