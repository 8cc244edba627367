// Clusters whose metadata is in a small etcd or ZooKeeper, reached by the real engines.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Admin, Producer } from '../src/client/index.ts';
import type { Io } from '../src/io/index.ts';
import { type ClusterStore, openStore } from '../src/metadata/index.ts';
import { Cluster } from './cluster.ts';
import type { ModelKind } from './modelled-store.ts';
import { SimBroker } from './sim-broker.ts';
import { World } from './world.ts';

const topic = { name: 't', numPartitions: 2, replicationFactor: 3 };

async function clusterOn(kind: ModelKind): Promise<Cluster> {
  const cluster = new Cluster(new World(), { brokers: 3, store: { kind } });
  await cluster.begin();
  return cluster;
}

async function createTopic(cluster: Cluster): Promise<void> {
  await cluster.asClient('admin', async (io) => {
    const admin = new Admin({ bootstrapServers: cluster.bootstrapServers }, io);
    await admin.createTopics([topic]);
    await admin.close();
  });
}

async function send(cluster: Cluster): Promise<void> {
  await cluster.asClient('client', async (io) => {
    const { bootstrapServers } = cluster;
    const options = { bootstrapServers, acks: -1 as const, deliveryTimeoutMs: 60_000 };
    const producer = new Producer(options, io);
    await producer.send({ topic: topic.name, partition: 0, value: Buffer.from('v') });
    await producer.close();
  });
}

function open(io: Io, address: string): Promise<ClusterStore> {
  return openStore(io, { address, clusterId: null, sessionTimeoutMs: 9_000 });
}

for (const kind of ['etcd', 'zookeeper'] as const) {
  describe(`a cluster of three brokers on ${kind}`, () => {
    test('serves on when a member of the store dies, and when a broker does', async () => {
      const cluster = await clusterOn(kind);
      await createTopic(cluster);
      await send(cluster);
      cluster.store?.kill();
      await cluster.world.advance(30_000);
      cluster.broker.kill();
      await send(cluster);
    });

    test('does not begin anew where a broker that has data names an empty prefix', async () => {
      const cluster = await clusterOn(kind);
      await createTopic(cluster);
      await cluster.world.advance(60_000);
      const { host } = cluster.broker;
      cluster.broker.kill();
      const address = `${cluster.store?.address}-mistyped`;
      const errors: string[] = [];
      const mistaken = new SimBroker(host, {
        config: {
          'node.id': '1',
          listeners: 'PLAINTEXT://0.0.0.0:9092',
          'log.dirs': '/data',
          'cluster.store': address,
        },
        onExit: ({ error }) => errors.push((error as Error).message),
        plant: (io) => io,
      });
      mistaken.start();
      await cluster.world.run(() => errors.length > 0, 60_000);
      assert.match(errors[0] ?? '', /^cannot start: the cluster store \S+-mistyped is empty, /);
    });

    test('does not see one below a prefix that begins with the same letters', async () => {
      const cluster = await clusterOn(kind);
      await cluster.asClient('client', async (io) => {
        const ours = await open(io, cluster.store?.address ?? '');
        const others = await open(io, `${cluster.store?.address}2`);
        assert.notEqual(others.clusterId, ours.clusterId);
        assert.deepEqual([ours.endOffset > 0, others.endOffset], [true, 0]);
        const alive: number[][] = [];
        for (const store of [ours, others]) {
          store.watchBrokers((brokers) => alive.push([...brokers.keys()])).close();
        }
        assert.deepEqual(alive, [[1, 2, 3], []]);
        await ours.close();
        await others.close();
      });
    });
  });
}
