// A client that has to prove who it is, to a broker that asks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { startBroker } from '../../tests/doubles/broker/brokers.ts';
import '../../tests/doubles/broker/sasl-peer.ts';
import type { Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import { findCoordinator, type KafkaError, metadata } from '../protocol/index.ts';
import { Admin, type AdminOptions } from './admin/index.ts';
import { ClientConfigError } from './client-config-error.ts';
import { saslLogin } from './client-sasl.ts';
import { Consumer } from './consumer/index.ts';
import { Producer } from './producer/index.ts';
import type { SaslOptions } from './security-options.ts';

const prefix = 'listener.name.sasl_plaintext';
const kafka = 'org.apache.kafka.common.security';
const plainModule = `${kafka}.plain.PlainLoginModule`;
const bearerModule = `${kafka}.oauthbearer.OAuthBearerLoginModule`;
const config = {
  listeners: 'SASL_PLAINTEXT://0.0.0.0:9092,PLAINTEXT://0.0.0.0:9093',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
  [`${prefix}.plain.sasl.jaas.config`]: `${plainModule} required user_alice="secret";`,
  [`${prefix}.oauthbearer.sasl.jaas.config`]: `${bearerModule} required;`,
  'offsets.topic.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
};

interface At {
  readonly io: Io;
  readonly options: (sasl: SaslOptions) => AdminOptions;
}

function withSasl(run: (at: At) => Promise<void>, changes = {}): Promise<void> {
  return simulate(async (io) => {
    const broker = await startBroker(io, { ...config, ...changes });
    const admin = new Admin({ bootstrapServers: 'host:9093' }, io);
    await admin.credentials.alter([
      { user: 'alice', mechanism: 'SCRAM-SHA-256', password: 'secret' },
      { user: 'alice', mechanism: 'SCRAM-SHA-512', password: 'secret', iterations: 8192 },
    ]);
    await admin.createTopics([{ name: 't', numPartitions: 1 }]);
    await admin.close();
    const options = (sasl: SaslOptions): AdminOptions => {
      return { bootstrapServers: 'host:9092', securityProtocol: 'SASL_PLAINTEXT', sasl };
    };
    await run({ io, options });
    await broker.stop();
  });
}

const alice = { username: 'alice', password: 'secret' };

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

test('every mechanism lets a client produce, and consume in a group', async () => {
  await withSasl(async ({ io, options }) => {
    const exp = io.clock.now() / 1000 + 3600;
    const token = `${part({ alg: 'none' })}.${part({ sub: 'alice', exp })}.`;
    const all: SaslOptions[] = [
      { mechanism: 'PLAIN', ...alice },
      { mechanism: 'SCRAM-SHA-256', ...alice },
      { mechanism: 'SCRAM-SHA-512', ...alice },
      { mechanism: 'OAUTHBEARER', token: async () => token },
      {
        mechanism: 'OAUTHBEARER',
        jaasConfig: `${bearerModule} required unsecuredLoginStringClaim_sub="alice";`,
      },
    ];
    for (const [number, sasl] of all.entries()) {
      const producer = new Producer(options(sasl), io);
      await producer.send({ topic: 't', value: String(number) });
      await producer.close();
    }
    const consumer = new Consumer(
      { ...options(all[1] as SaslOptions), groupId: 'g', autoOffsetReset: 'earliest' },
      io,
    );
    consumer.subscribe(['t']);
    const values: string[] = [];
    while (values.length < all.length) {
      for (const { value } of await consumer.poll(1000)) values.push(String(value));
    }
    assert.deepEqual(values, ['0', '1', '2', '3', '4']);
    await consumer.close();
  });
});

test('a wrong password is final and in the words of the broker', async () => {
  await withSasl(async ({ io, options }) => {
    const refused = async (sasl: SaslOptions, name: string, message: RegExp): Promise<void> => {
      const admin = new Admin(options(sasl), io);
      const beganMs = io.clock.monotonic();
      await assert.rejects(admin.listTopics(), (error: KafkaError) => {
        assert.equal(error.errorName, name);
        assert.equal(error.retriable, false);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /wrong|secret/);
        return true;
      });
      assert.ok(io.clock.monotonic() - beganMs < 1000);
      await admin.close();
    };
    const wrong = { ...alice, password: 'wrong' };
    const failed = 'SASL_AUTHENTICATION_FAILED';
    await refused({ mechanism: 'PLAIN', ...wrong }, failed, /Invalid username or password/);
    const scram = /invalid credentials with SASL mechanism SCRAM-SHA-512/;
    await refused({ mechanism: 'SCRAM-SHA-512', ...wrong }, failed, scram);
    await refused({ mechanism: 'OAUTHBEARER', token: () => 'x.y.z' }, failed, /invalid_token/);
    const failing = (): string => {
      throw new Error('the provider is away');
    };
    await refused({ mechanism: 'OAUTHBEARER', token: failing }, failed, /the provider is away/);
  });
});

test('a mechanism that the broker does not offer is told with those that it does', async () => {
  await withSasl(
    async ({ io, options }) => {
      const admin = new Admin(options({ mechanism: 'PLAIN', ...alice }), io);
      await assert.rejects(admin.listTopics(), (error: KafkaError) => {
        assert.equal(error.errorName, 'UNSUPPORTED_SASL_MECHANISM');
        const enabled = 'enabled mechanisms are [SCRAM-SHA-256]';
        const words = `Client SASL mechanism 'PLAIN' not enabled in the server, ${enabled}`;
        assert.ok(error.message.includes(words), error.message);
        return true;
      });
      await admin.close();
    },
    { 'sasl.enabled.mechanisms': 'SCRAM-SHA-256' },
  );
});

test('a session is gone on with before it ends, and requests keep their order', async () => {
  await withSasl(
    async ({ io }) => {
      const sasl = saslLogin(io, { mechanism: 'SCRAM-SHA-256', ...alice });
      const connection = await ClientConnection.connect(io, {
        ...{ host: 'host', port: 9092, clientId: null, security: { sasl } },
      });
      const answered: number[] = [];
      for (let n = 0; n < 200; n++) {
        const count = 1 + (n % 3);
        const asked = Array.from({ length: count }, (_, each) =>
          connection.request(metadata, { topics: [] }).then(() => answered.push(n * 10 + each)),
        );
        await Promise.all(asked);
        await io.clock.sleep(100 + (n % 7) * 300);
      }
      assert.deepEqual(
        answered,
        [...answered].sort((a, b) => a - b),
      );
      assert.equal(connection.isClosed, false);
      connection.close();
    },
    { 'connections.max.reauth.ms': '5000' },
  );
});

test('a request that cannot be written fails alone, also while a session is renewed', async () => {
  await withSasl(
    async ({ io }) => {
      const sasl = saslLogin(io, { mechanism: 'SCRAM-SHA-256', ...alice });
      const connection = await ClientConnection.connect(io, {
        ...{ host: 'host', port: 9092, clientId: null, security: { sasl } },
      });
      const asked = () => connection.request(metadata, { topics: [] });
      await io.clock.sleep(4_900);
      // In the newest version the request has no such field.
      const body = { key: 'a', keyType: 0 };
      const all = [asked(), connection.request(findCoordinator, body), asked()];
      const ends = await Promise.allSettled(all);
      const states = ends.map(({ status }) => status);
      assert.deepEqual(states, ['fulfilled', 'rejected', 'fulfilled']);
      connection.close();
    },
    { 'connections.max.reauth.ms': '5000' },
  );
});

test('options that say nobody, or cannot be read, are refused with what is missing', async () => {
  await simulate(async (io) => {
    const refused = (sasl: SaslOptions, message: RegExp): void => {
      assert.throws(
        () => saslLogin(io, sasl),
        (error: Error) => {
          assert.ok(error instanceof ClientConfigError, String(error));
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /s3cret/);
          return true;
        },
      );
    };
    refused({ mechanism: 'PLAIN' }, /PLAIN needs the options of .*: set sasl.jaas.config/);
    refused({ mechanism: 'PLAIN', username: 'a' }, /the option sasl has no password/);
    refused({ mechanism: 'GSSAPI' }, /GSSAPI needs the options of .*Krb5LoginModule: set sasl/);
    refused({ mechanism: 'GSSAPI', principal: 'a' }, /says nobody for GSSAPI to be: add useKey/);
    refused({ mechanism: 'GSSAPI', keyTab: '/k' }, /has a keytab and no principal: add princ/);
    const alice = { mechanism: 'GSSAPI', keyTab: '/k', principal: 'alice' };
    refused(alice, /sasl.kerberos.service.name is not set/);
    refused({ mechanism: 'PLAIN', jaasConfig: 'x y;' }, /sasl.jaas.config: line 1: expected requi/);
    refused({ mechanism: 'PLAIN', jaasConfig: 'a.B required password="s3cret";' }, /add its line/);
    refused({ mechanism: 'PLAIN', jaasFile: '/gone' }, /there is no file \/gone/);
    const url = 'https://idp/token';
    refused({ mechanism: 'OAUTHBEARER', tokenEndpointUrl: url }, /needs who asks: set/);
    const limited = { clientId: 'a', clientSecret: 's3cret', allowedUrls: 'https://other' };
    const notAllowed = { mechanism: 'OAUTHBEARER', tokenEndpointUrl: url, ...limited };
    refused(notAllowed, /which is not allowed/);
    await Promise.resolve();
  });
});

test('a protocol and a login that do not go together are refused at once', async () => {
  await simulate(async (io) => {
    const bootstrapServers = 'host:1';
    const made = (options: object) => () => new Admin({ bootstrapServers, ...options }, io);
    assert.throws(made({ securityProtocol: 'SASL_SSL' }), /needs sasl: who we are/);
    assert.throws(made({ sasl: { mechanism: 'PLAIN' } }), /set it to SASL_PLAINTEXT or SASL_SSL/);
    assert.throws(made({ securityProtocol: 'TLS' }), /TLS: expected one of PLAINTEXT/);
    await Promise.resolve();
  });
});

test("Java's properties say the same", () => {
  const properties = new Map([
    ['bootstrap.servers', 'a:1'],
    ['security.protocol', 'sasl_plaintext'],
    ['sasl.mechanism', 'PLAIN'],
    ['sasl.jaas.config', ' a.B required; '],
    ['sasl.login.refresh.window.factor', '0.8'],
  ]);
  const { options, warnings } = Admin.optionsFromProperties(properties);
  assert.deepEqual(warnings, []);
  assert.deepEqual(options, {
    bootstrapServers: 'a:1',
    securityProtocol: 'SASL_PLAINTEXT',
    sasl: { mechanism: 'PLAIN', jaasConfig: 'a.B required;', allowedUrls: '' },
  });
});
