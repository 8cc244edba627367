// `partita cluster` with a real etcd and a real ZooKeeper: a broker on its own is adopted, the
// store is dumped, restored below another prefix, and taken by a broker that knew the first.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { adoptsEverything } from '../e2e/adopted-broker.ts';
import { MovingCluster, recordsOf } from '../e2e/moving-cluster.ts';
import { EtcdCluster } from './etcd/etcd-process.ts';
import { answers, present } from './toolchain.ts';
import { hasZooKeeper, startServer } from './zookeeper/zookeeper-servers.ts';

/** @param system scheme, host and port of an empty store */
async function movesBackAndForth(t: TestContext, system: string): Promise<void> {
  const cluster = new MovingCluster();
  t.after(() => cluster.dispose());
  const store = `${system}/first`;
  const brokers = await adoptsEverything(cluster, store);
  const dumped = await cluster.done(store, 'dump', '--to', cluster.path('dump'));
  assert.match(dumped, /3 topics, 7 partitions/);
  await Promise.all(brokers.map((broker) => broker.stop()));

  const restored = `${system}/second`;
  await cluster.done(restored, 'restore', '--from', cluster.path('dump'));
  await cluster.refused(restored, ['restore', '--from', cluster.path('dump')], /not empty/);
  await assert.rejects(
    cluster.startBroker({ 'cluster.store': restored }),
    /tells another history.* partita cluster recover/,
  );
  assert.match(await cluster.done(restored, 'recover', '--yes'), /^Done/m);
  const back = await cluster.startBroker({ 'cluster.store': restored });
  assert.equal((await recordsOf(back, 'orders', 5)).at(-1), 'in the next');
}

describe('metadata move', { concurrency: 2, timeout: 240_000 }, () => {
  test('to a real etcd', async (t) => {
    if (!present(t, answers('etcd', '--version'), 'etcd')) return;
    const etcd = await EtcdCluster.start();
    t.after(() => etcd.stop());
    await movesBackAndForth(t, `etcd://${etcd.hosts}`);
  });

  test('to a real ZooKeeper', async (t) => {
    if (!hasZooKeeper(t)) return;
    const server = await startServer(t);
    await movesBackAndForth(t, `zookeeper://127.0.0.1:${server.port}`);
  });
});
