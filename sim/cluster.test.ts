// Clusters of several brokers in a world: they share a store, and each of them may go.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admin, Producer } from '../src/client/index.ts';
import type { Io } from '../src/io/index.ts';
import { Cluster } from './cluster.ts';
import { World } from './world.ts';

const topic = { name: 't', numPartitions: 2, replicationFactor: 3 };

async function clusterOfThree(): Promise<Cluster> {
  const cluster = new Cluster(new World(), { brokers: 3 });
  cluster.start();
  await cluster.world.run(() => cluster.brokers.every(({ isReady }) => isReady), 30_000);
  return cluster;
}

function withAdmin<T>(cluster: Cluster, call: (admin: Admin) => Promise<T>): Promise<T> {
  return cluster.asClient('admin', async (io) => {
    const admin = new Admin({ bootstrapServers: cluster.bootstrapServers }, io);
    const outcome = await call(admin);
    await admin.close();
    return outcome;
  });
}

async function send(io: Io, bootstrapServers: string): Promise<void> {
  const producer = new Producer({ bootstrapServers, acks: -1, deliveryTimeoutMs: 60_000 }, io);
  await producer.send({ topic: topic.name, partition: 0, value: Buffer.from('v') });
  await producer.close();
}

test('three brokers make one cluster, and all of them have a topic of three replicas', async () => {
  const cluster = await clusterOfThree();
  await withAdmin(cluster, (admin) => admin.createTopics([topic]));
  const [description] = await withAdmin(cluster, (admin) => admin.describeTopics([topic.name]));
  for (const { isr } of description?.partitions ?? []) assert.equal(isr.length, 3);
  await cluster.asClient('client', (io) => send(io, cluster.bootstrapServers));
});

test('with its store away the cluster takes records, and with it back new topics', async () => {
  const cluster = await clusterOfThree();
  await withAdmin(cluster, (admin) => admin.createTopics([topic]));
  // Ids for producers are had from the store in blocks: now there is one.
  await cluster.asClient('client', (io) => send(io, cluster.bootstrapServers));
  cluster.store?.kill();
  await cluster.asClient('client', (io) => send(io, cluster.bootstrapServers));
  cluster.store?.start();
  const other = { ...topic, name: 'other' };
  const [created] = await withAdmin(cluster, (admin) => admin.createTopics([other]));
  assert.equal(created?.error, null);
});

test('when a broker dies the others take what it led', async () => {
  const cluster = await clusterOfThree();
  await withAdmin(cluster, (admin) => admin.createTopics([topic]));
  cluster.broker.kill();
  await cluster.asClient('client', (io) => send(io, cluster.bootstrapServers));
});

test('a broker that begins with a snapshot of the metadata knows who controls', async () => {
  const cluster = new Cluster(new World(), {
    brokers: 3,
    store: { segmentBytesMax: 1_000 },
    config: { 'metadata.log.max.record.bytes.between.snapshots': '1000' },
  });
  const [first, second, last] = cluster.brokers;
  cluster.store?.start();
  first?.start();
  second?.start();
  await cluster.world.run(() => first?.isReady === true && second?.isReady === true, 30_000);
  const topics = Array.from({ length: 20 }, (_, index) => ({ ...topic, name: `t${index}` }));
  const small = topics.map((each) => ({ ...each, replicationFactor: 2 }));
  await withAdmin(cluster, (admin) => admin.createTopics(small));
  await cluster.world.advance(1_000);
  last?.start();
  await cluster.world.run(() => last?.isReady === true, 30_000);
});

test('clocks are apart by as much as they were in the time that is asked about', async () => {
  const cluster = new Cluster(new World(), { brokers: 3 });
  const { world, brokers } = cluster;
  for (const [at, skewMs] of [20, 0, -30].entries()) brokers[at]?.host.shiftClock(skewMs);
  await world.advance(2_000);
  assert.equal(cluster.clocksApartMs(1_000), 50);
  brokers[1]?.host.shiftClock(400);
  await world.advance(2_000);
  brokers[1]?.host.shiftClock(-400);
  assert.equal(cluster.clocksApartMs(1_000), 430);
  await world.advance(2_000);
  assert.deepEqual([cluster.clocksApartMs(1_000), cluster.clocksApartMs(2_500)], [50, 430]);
});
