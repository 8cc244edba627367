// Options under Java's names: beside camelCase, in a file, in the environment.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ClientConfigError, clientRules } from './client-options.ts';
import { consumerRules } from './consumer/consumer-options.ts';
import { optionsFromEnvironment, Producer, type ProducerOptions } from './index.ts';
import type { JavaConsumerNames, JavaProducerNames } from './java-name-types.ts';
import { withoutJavaNames } from './java-names.ts';
import { producerRules } from './producer/producer-options.ts';

test("Java's names stand beside camelCase, with their types", () =>
  simulate(async (io) => {
    const options: ProducerOptions = {
      'bootstrap.servers': 'a:1',
      'linger.ms': 20,
      clientId: 'c',
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'PLAIN',
      'sasl.jaas.config': 'x required username="u";',
      'ssl.truststore.location': '/ca.pem',
    };
    assert.deepEqual(withoutJavaNames(options, producerRules, io), {
      bootstrapServers: 'a:1',
      lingerMs: 20,
      clientId: 'c',
      securityProtocol: 'SASL_SSL',
      ssl: { truststoreLocation: '/ca.pem' },
      sasl: { mechanism: 'PLAIN', jaasConfig: 'x required username="u";', allowedUrls: '' },
    });
    const sasl = { mechanism: 'PLAIN', username: 'u', password: 'p' };
    const mixed: ProducerOptions = { 'security.protocol': 'SASL_PLAINTEXT', sasl };
    assert.deepEqual(withoutJavaNames(mixed, producerRules, io), {
      securityProtocol: 'SASL_PLAINTEXT',
      sasl,
    });
    const split: ProducerOptions = { securityProtocol: 'SSL', 'ssl.key.password': 'p' };
    assert.deepEqual(withoutJavaNames(split, producerRules, io), {
      securityProtocol: 'SSL',
      ssl: { keyPassword: 'p' },
    });
    const plain = { bootstrapServers: 'a:1' };
    assert.equal(withoutJavaNames(plain, producerRules, io), plain);
  }));

test('two names of one option are an error that has both', () =>
  simulate(async (io) => {
    const refused = (options: object, message: RegExp): void => {
      assert.throws(
        () => new Producer({ bootstrapServers: 'a:1', ...options }, io),
        (error) => error instanceof ClientConfigError && message.test(error.message),
      );
    };
    refused({ lingerMs: 1, 'linger.ms': 2 }, /lingerMs and linger\.ms are the same option/);
    refused({ 'bootstrap.servers': 'b:1' }, /bootstrapServers and bootstrap\.servers/);
    const sasl = { mechanism: 'PLAIN' };
    const both: ProducerOptions = { securityProtocol: 'SASL_SSL', sasl, 'sasl.mechanism': 'PLAIN' };
    refused(both, /sasl and sasl\.mechanism are the same option/);
    refused({ 'linger.msec': 1 }, /there is no option linger\.msec: use linger\.ms/);
    refused({ 'linger.ms': '5 s' }, /lingerMs is "5 s": expected a number of milliseconds/);
  }));

test('a file of properties is read, and what is given beside it wins', () =>
  simulate(async (io) => {
    const file = io.disk.open('/client.properties', 'create');
    const text = 'bootstrap.servers=a:1\nlinger.ms = 20\nacks=1\nlinger.msec=3\n';
    file.write([Buffer.from(text)], 0);
    const lines: string[] = [];
    const log = { ...io.log, warn: (line: string) => lines.push(line) };
    const quiet = { ...io, log: { ...log, child: () => log } } as unknown as typeof io;
    const options = { properties: '/client.properties', acks: 'all' } as const;
    assert.deepEqual(withoutJavaNames(options, producerRules, quiet), {
      bootstrapServers: 'a:1',
      lingerMs: 20,
      acks: 'all',
    });
    assert.deepEqual(lines, [
      '/client.properties: linger.msec is not known to this client: ignored',
    ]);
    const missing = { properties: '/none.properties' };
    assert.throws(() => withoutJavaNames(missing, producerRules, io), /no file \/none\.properties/);
    const providers = io.disk.open('/p.properties', 'create');
    providers.write([Buffer.from('config.providers=env\n')], 0);
    const refused = { properties: '/p.properties' };
    assert.throws(() => withoutJavaNames(refused, producerRules, io), /has config\.providers/);
  }));

test('KAFKA_* variables are options of the client that has them', () => {
  const env = {
    KAFKA_BOOTSTRAP_SERVERS: 'a:1,b:2',
    KAFKA_GROUP_ID: 'billing',
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_SASL_MECHANISM: 'PLAIN',
    KAFKA_LOG_DIRS: '/data',
    KAFKA_HEAP_OPTS: '-Xmx1g',
    HOME: '/root',
  };
  assert.deepEqual(optionsFromEnvironment('consumer', env), {
    bootstrapServers: 'a:1,b:2',
    groupId: 'billing',
    securityProtocol: 'SASL_SSL',
    ssl: {},
    sasl: { mechanism: 'PLAIN', allowedUrls: '' },
  });
  assert.equal('groupId' in optionsFromEnvironment('producer', env), false);
});

test('every option that a file may hold has a type under its name', () => {
  // The compiler refuses a name that is missing or does not exist; Java's `acks` and `retries` are
  // the same in both spellings.
  type Dotted<Names> = Record<keyof Names, 1>;
  const producer: Dotted<JavaProducerNames> = {
    'linger.ms': 1,
    'batch.size': 1,
    'buffer.memory': 1,
    'max.block.ms': 1,
    'max.request.size': 1,
    'max.in.flight.requests.per.connection': 1,
    'enable.idempotence': 1,
    'delivery.timeout.ms': 1,
    'transactional.id': 1,
    'transaction.timeout.ms': 1,
    'compression.type': 1,
    'compression.gzip.level': 1,
    'compression.lz4.level': 1,
    'compression.zstd.level': 1,
    'partitioner.class': 1,
    'partitioner.ignore.keys': 1,
    'partitioner.adaptive.partitioning.enable': 1,
  };
  const consumer: Dotted<JavaConsumerNames> = {
    'fetch.min.bytes': 1,
    'fetch.max.wait.ms': 1,
    'fetch.max.bytes': 1,
    'max.partition.fetch.bytes': 1,
    'max.poll.records': 1,
    'auto.offset.reset': 1,
    'isolation.level': 1,
    'check.crcs': 1,
    'client.rack': 1,
    'allow.auto.create.topics': 1,
    'group.id': 1,
    'group.instance.id': 1,
    'group.protocol': 1,
    'group.remote.assignor': 1,
    'partition.assignment.strategy': 1,
    'session.timeout.ms': 1,
    'heartbeat.interval.ms': 1,
    'max.poll.interval.ms': 1,
    'enable.auto.commit': 1,
    'auto.commit.interval.ms': 1,
    'exclude.internal.topics': 1,
  };
  const dotted = (rules: object): string[] => Object.keys(rules).filter((key) => /\./.test(key));
  assert.deepEqual(dotted(producerRules).sort(), Object.keys(producer).sort());
  assert.deepEqual(dotted(consumerRules).sort(), Object.keys(consumer).sort());
  assert.ok(dotted(clientRules).includes('metadata.recovery.strategy'));
});
