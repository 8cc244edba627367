// The story of a broker on its own that becomes the first of three: with records, a group, users,
// quotas, configurations, and a transaction that is under way all the time.

import assert from 'node:assert/strict';
import { Consumer, Producer } from '../../src/client/index.ts';
import type { BrokerProcess } from '../broker-process.ts';
import { type MovingCluster, produced, recordsOf, tool } from './moving-cluster.ts';

const fewPartitions = {
  'offsets.topic.num.partitions': '3',
  'transaction.state.log.num.partitions': '3',
  'group.initial.rebalance.delay.ms': '0',
};

async function committedTo(broker: BrokerProcess, count: number): Promise<string[]> {
  const { bootstrapServers } = broker;
  const consumer = new Consumer({
    ...{ bootstrapServers, groupId: 'readers', autoOffsetReset: 'earliest' },
    ...{ enableAutoCommit: false, maxPollRecords: count },
  });
  consumer.subscribe(['orders']);
  const values: string[] = [];
  while (values.length < count) {
    for (const { value } of await consumer.poll(1_000)) values.push(`${value}`);
  }
  await consumer.commit();
  await consumer.close();
  return values;
}

async function useAlone(cluster: MovingCluster) {
  const alone = await cluster.startBroker(fewPartitions);
  const { bootstrapServers } = alone;
  const orders = ['--topic', 'orders', '--partitions', '1', '--config', 'retention.ms=86400000'];
  await tool('kafka-topics', alone, '--create', ...orders);
  await produced(alone, 'orders', ['one', 'two', 'three']);
  const user = ['--alter', '--entity-type', 'users', '--entity-name', 'alice', '--add-config'];
  await tool('kafka-configs', alone, ...user, 'SCRAM-SHA-512=[password=secret]');
  await tool('kafka-configs', alone, ...user, 'producer_byte_rate=1000000');
  assert.deepEqual(await committedTo(alone, 2), ['one', 'two']);
  const producer = new Producer({ bootstrapServers, transactionalId: 'booking' });
  await producer.initTransactions();
  producer.beginTransaction();
  await producer.send({ topic: 'orders', value: 'in a transaction' });
  return { alone, producer };
}

async function assertAllIsThere(first: BrokerProcess, producer: Producer): Promise<void> {
  assert.deepEqual(await recordsOf(first, 'orders', 3), ['one', 'two', 'three']);
  await producer.commitTransaction();
  assert.deepEqual(await committedTo(first, 2), ['three', 'in a transaction']);
  producer.beginTransaction();
  await producer.send({ topic: 'orders', value: 'in the next' });
  await producer.commitTransaction();
  await producer.close();
  assert.equal((await recordsOf(first, 'orders', 5)).at(-1), 'in the next');
  const topics = await tool('kafka-configs', first, '--describe', '--entity-type', 'topics');
  assert.match(topics, /orders.*retention\.ms=86400000/s);
  const users = await tool('kafka-configs', first, '--describe', '--entity-type', 'users');
  assert.match(users, /producer_byte_rate=1000000.*SCRAM-SHA-512=iterations=4096/s);
}

/** The internal topics get three replicas. */
export async function raiseReplicas(cluster: MovingCluster, store: string, first: BrokerProcess) {
  await cluster.didDocumented(store, 'cluster replicas', first);
  for (let step = 0; ; step++) {
    const text = await tool('kafka-topics', first, '--describe', '--topic', '__transaction_state');
    if ((text.match(/Isr: \d,\d,\d/g) ?? []).length === 3) return;
    assert.ok(step < 60, text);
  }
}

/** @param store a prefix of its own in a store that is empty there */
export async function adoptsEverything(
  cluster: MovingCluster,
  store: string,
): Promise<readonly BrokerProcess[]> {
  const { alone, producer } = await useAlone(cluster);
  await cluster.refused(store, ['adopt'], /in use by another broker/);
  await alone.stop();
  const port = alone.port;
  const told = await cluster.didDocumented(store, 'cluster adopt');
  assert.match(told, /has cluster \S+, metadata up to \d+: 3 topics, 7 partitions/);
  assert.match(told, /partita cluster replicas .*--topics __consumer_offsets,__transaction_state/);
  await assert.rejects(cluster.startBroker(), /were handed over to .*: start with cluster\.store=/);
  assert.match(await cluster.done(store, 'adopt'), /had cluster/);

  const config = { ...fewPartitions, 'cluster.store': store, 'broker.session.timeout.ms': '3000' };
  const listeners = `PLAINTEXT://127.0.0.1:${port}`;
  const starts = [1, 2, 3].map((id) => {
    const own: Record<string, string> =
      id === 1 ? { listeners } : { 'log.dirs': cluster.path(`data${id}`) };
    return cluster.startBroker({ ...config, ...own, 'node.id': `${id}` });
  });
  const brokers = await Promise.all(starts);
  await assertAllIsThere(brokers[0] as BrokerProcess, producer);
  return brokers;
}
