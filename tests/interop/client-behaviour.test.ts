// What the client library promises, held by Apache Kafka and by our broker alike: the same tests on
// both. The broker asks who is there, and rights are checked.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
  Admin,
  Consumer,
  type ConsumerOptions,
  type ConsumerRecord,
  isClientError,
  KafkaError,
  OffsetSpec,
  Producer,
  TransactionError,
} from '../../src/client/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { KafkaBroker } from './authorization/kafka-broker.ts';
import { hasJava, hasKafka } from './toolchain.ts';

const users = { admin: 'admin-password', guest: 'guest-password' } as const;
const listener = 'SASL_PLAINTEXT' as const;
const loginModule = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const passwords = Object.entries(users).map(([user, password]) => `user_${user}="${password}"`);
const own = `username="admin" password="${users.admin}"`;
const config = {
  'security.inter.broker.protocol': listener,
  'sasl.enabled.mechanisms': 'PLAIN',
  'sasl.mechanism.inter.broker.protocol': 'PLAIN',
  'listener.name.sasl_plaintext.plain.sasl.jaas.config': [
    ...[loginModule, 'required', own],
    ...passwords,
  ]
    .join(' ')
    .concat(';'),
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:admin;User:ANONYMOUS',
  'group.initial.rebalance.delay.ms': '0',
  // Members hear of a change with a heartbeat.
  'group.consumer.min.heartbeat.interval.ms': '100',
  'group.consumer.heartbeat.interval.ms': '100',
  'offsets.topic.num.partitions': '2',
  'transaction.state.log.num.partitions': '2',
};

interface Broker {
  readonly bootstrapServers: string;
  dispose(): unknown;
}

const products: Readonly<Record<string, () => Promise<Broker>>> = {
  'our broker': () =>
    BrokerProcess.start({ config: { ...config, listeners: `${listener}://127.0.0.1:0` } }),
  'Apache Kafka': async () => {
    const { 'security.inter.broker.protocol': _, ...others } = config;
    const broker = await KafkaBroker.start(others, listener);
    return {
      bootstrapServers: `127.0.0.1:${broker.port}`,
      dispose: () => broker.dispose(),
    };
  },
};

for (const [product, start] of Object.entries(products)) {
  describe(`the client library with ${product}`, { timeout: 280_000 }, () => {
    let broker: Broker | undefined;
    let admin: Admin;
    let topics = 0;

    before(async () => {
      if (product === 'Apache Kafka' && !hasJava()) return;
      broker = await start();
      admin = new Admin(as('admin'));
      await admin.describeCluster();
    });
    after(async () => {
      await admin?.close();
      await broker?.dispose();
    });

    const as = (username: keyof typeof users, password: string = users[username]) =>
      ({
        bootstrapServers: broker?.bootstrapServers as string,
        securityProtocol: listener,
        sasl: { mechanism: 'PLAIN', username, password },
      }) as const;

    async function newTopic(numPartitions: number): Promise<string> {
      const name = `topic-${++topics}`;
      const [created] = await admin.createTopics([{ name, numPartitions }]);
      assert.equal(created?.error, null);
      return name;
    }

    const reader = (topic: string, options: Partial<ConsumerOptions> = {}): Consumer => {
      const consumer = new Consumer({
        ...as('admin'),
        groupId: `group-${topic}`,
        autoOffsetReset: 'earliest',
        ...(options.groupProtocol === 'consumer' ? {} : { heartbeatIntervalMs: 100 }),
        ...options,
      });
      consumer.subscribe([topic]);
      return consumer;
    };

    async function read(consumer: Consumer, count: number): Promise<ConsumerRecord[]> {
      const records: ConsumerRecord[] = [];
      while (records.length < count) records.push(...(await consumer.poll()));
      return records;
    }

    test('records come back as they were sent, in every compression', async (t) => {
      if (broker === undefined) return void hasKafka(t);
      const topic = await newTopic(3);
      const places: string[] = [];
      const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
      for (const compressionType of codecs) {
        const producer = new Producer({ ...as('admin'), compressionType });
        const headers = { codec: compressionType };
        const sent = { topic, key: compressionType, value: 'x'.repeat(2000), headers };
        const { partition, offset } = await producer.send({
          ...sent,
          timestamp: 1_700_000_000_000,
        });
        places.push(`${compressionType} ${partition} ${offset}`);
        await producer.send({ topic, key: compressionType, value: null });
        await producer.close();
      }
      const consumer = reader(topic);
      const records = await read(consumer, 2 * codecs.length);
      await consumer.close();
      const [full, tombstones] = [true, false].map((is) =>
        records.filter(({ value }) => (value !== null) === is),
      ) as [ConsumerRecord[], ConsumerRecord[]];
      const found = full.map(({ key, partition, offset }) => `${key} ${partition} ${offset}`);
      assert.deepEqual(found.sort(), places.sort());
      assert.deepEqual(tombstones.map(({ key }) => `${key}`).sort(), [...codecs].sort());
      for (const { key, value, headers, timestamp } of full) {
        assert.equal(`${value}`, 'x'.repeat(2000));
        assert.equal(headers.text('codec'), `${key}`);
        assert.equal(timestamp, 1_700_000_000_000);
      }
    });

    for (const groupProtocol of ['classic', 'consumer'] as const) {
      test(`a ${groupProtocol} group shares partitions, and goes on where it was`, async (t) => {
        if (broker === undefined) return void hasKafka(t);
        const topic = await newTopic(4);
        const producer = new Producer(as('admin'));
        const fill = (first: number) =>
          Promise.all(
            Array.from({ length: 40 }, (_, at) =>
              producer.send({ topic, partition: at % 4, value: `${first + at}` }),
            ),
          );
        const [left, right] = [reader(topic, { groupProtocol }), reader(topic, { groupProtocol })];
        const both = [left, right];
        while (both.some((one) => one.assignment().length !== 2)) {
          await Promise.all(both.map((one) => one.poll(100)));
        }
        await fill(0);
        const seen: string[] = [];
        while (seen.length < 40) {
          for (const records of await Promise.all(both.map((one) => one.poll(100)))) {
            seen.push(...records.map(({ value }) => `${value}`));
          }
        }
        assert.equal(new Set(seen).size, 40);
        await Promise.all(both.map((one) => one.commit()));
        await left.close();
        await fill(40);
        const rest = (await read(right, 40)).map(({ value }) => Number(`${value}`));
        assert.deepEqual(
          rest.sort((a, b) => a - b),
          Array.from({ length: 40 }, (_, at) => 40 + at),
        );
        await right.close();
        await producer.close();
        const offsets = await admin.listConsumerGroupOffsets(`group-${topic}`);
        assert.deepEqual(
          offsets.map(({ offset }) => offset),
          [20, 20, 20, 20],
        );
      });
    }

    test('transactions are seen whole or not at all, with the offsets they commit', async (t) => {
      if (broker === undefined) return void hasKafka(t);
      const [from, to] = [await newTopic(1), await newTopic(2)];
      const options = { ...as('admin'), transactionalId: `id-${to}` };
      const producer = new Producer(options);
      await producer.initTransactions();
      const source = new Producer(as('admin'));
      await source.send({ topic: from, value: 'in' });
      await source.close();
      const consumer = reader(from, { enableAutoCommit: false });
      await read(consumer, 1);
      const send = async (value: string) => {
        await producer.transaction(async (transaction) => {
          transaction.send({ topic: to, partition: 0, value });
          transaction.send({ topic: to, partition: 1, value });
          await transaction.sendOffsets(consumer.positions(), consumer.groupMetadata());
          if (value === 'aborted') throw new Error('changed its mind');
        });
      };
      await assert.rejects(send('aborted'), /changed its mind/);
      assert.deepEqual(await consumer.committed([{ topic: from, partition: 0 }]), [null]);
      await send('committed');
      const [committed] = await consumer.committed([{ topic: from, partition: 0 }]);
      assert.equal(committed?.offset, 1);
      await consumer.close();

      const readers = ['read_committed', 'read_uncommitted'] as const;
      for (const isolationLevel of readers) {
        const each = reader(to, { isolationLevel, groupId: `${isolationLevel}-${to}` });
        const values = await read(each, isolationLevel === 'read_committed' ? 2 : 4);
        await each.close();
        const expected = isolationLevel === 'read_committed' ? [] : ['aborted', 'aborted'];
        assert.deepEqual(values.map(({ value }) => `${value}`).sort(), [
          ...expected,
          ...['committed', 'committed'],
        ]);
      }
      const newer = new Producer(options);
      await newer.initTransactions();
      await assert.rejects(send('too late'), TransactionError);
      await assert.rejects(
        send('too late'),
        (error) => error instanceof TransactionError && error.fatal === true,
      );
      await producer.close();
      await newer.close();
    });

    test('topics and groups are looked after', async (t) => {
      if (broker === undefined) return void hasKafka(t);
      const topic = await newTopic(1);
      const [again] = await admin.createTopics([{ name: topic, numPartitions: 1 }]);
      assert.equal(again?.error?.errorName, 'TOPIC_ALREADY_EXISTS');
      const producer = new Producer(as('admin'));
      for (const value of ['a', 'b', 'c']) await producer.send({ topic, value });
      await producer.close();
      const [more] = await admin.createPartitions([{ name: topic, totalCount: 2 }]);
      assert.equal(more?.error, null);
      const place = { topic, partition: 0 };
      await admin.deleteRecords([{ ...place, offset: 2 }]);
      for (const [timestamp, offset] of [
        [OffsetSpec.earliest, 2],
        [OffsetSpec.latest, 3],
      ] as const) {
        const [listed] = await admin.listOffsets([{ ...place, timestamp }]);
        assert.equal(listed?.offset, offset);
      }
      const consumer = reader(topic);
      assert.equal(`${(await read(consumer, 1))[0]?.value}`, 'c');
      const groupId = `group-${topic}`;
      const [group] = await admin.describeConsumerGroups([groupId]);
      assert.equal(group?.members.length, 1);
      await consumer.close();
      const [gone] = await admin.deleteConsumerGroups([groupId]);
      assert.equal(gone?.error, null);
      const [deleted] = await admin.deleteTopics([topic]);
      assert.equal(deleted?.error, null);
    });

    test('a wrong password and a missing right are told, and a right helps', async (t) => {
      if (broker === undefined) return void hasKafka(t);
      const stranger = new Producer({
        ...as('guest', 'wrong'),
        requestTimeoutMs: 5000,
        deliveryTimeoutMs: 10_000,
      });
      const topic = await newTopic(1);
      await assert.rejects(
        stranger.send({ topic, value: 'v' }),
        (error) => isClientError(error) && /authentication/i.test(`${error.name} ${error.message}`),
      );
      await stranger.close();
      const guest = new Producer(as('guest'));
      await assert.rejects(
        guest.send({ topic, value: 'v' }),
        (error) => error instanceof KafkaError && error.errorName === 'TOPIC_AUTHORIZATION_FAILED',
      );
      const [made] = await admin.acls.create([
        {
          ...{ resourceType: AclResource.TOPIC, resourceName: topic },
          ...{ patternType: AclPattern.LITERAL, principal: 'User:guest', host: '*' },
          ...{ operation: AclOperation.WRITE, permissionType: AclPermission.ALLOW },
        },
      ]);
      assert.equal(made?.error, null);
      for (;;) {
        try {
          assert.equal((await guest.send({ topic, value: 'v' })).offset, 0);
          break;
        } catch (error) {
          // The right is on its way to the broker.
          if (!(error instanceof KafkaError)) throw error;
        }
      }
      await guest.close();
    });
  });
}
