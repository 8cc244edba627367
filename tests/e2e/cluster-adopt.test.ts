// `partita cluster adopt`: a broker on its own becomes the first of a cluster, with all it has.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerProcess } from '../broker-process.ts';
import { adoptsEverything, raiseReplicas } from './adopted-broker.ts';
import { launcher, MovingCluster, produced, recordsOf, tool } from './moving-cluster.ts';

let cluster: MovingCluster;
beforeEach(() => {
  cluster = new MovingCluster();
});
afterEach(() => cluster.dispose());

test('three brokers go on where one has stopped, and its folder starts none alone', async () => {
  const store = `${await cluster.etcdModel()}/adopted`;
  const [first] = await adoptsEverything(cluster, store);
  await raiseReplicas(cluster, store, first as BrokerProcess);
});

test('one that is killed while it is taken is taken by the next attempt', async () => {
  const etcd = await cluster.etcdModel();
  const alone = await cluster.startBroker();
  await tool('kafka-topics', alone, '--create', '--topic', 'orders', '--partitions', '10');
  await produced(alone, 'orders', ['one']);
  await alone.stop();
  const before = cluster.path('before');
  cpSync(cluster.data, before, { recursive: true });
  const began = Date.now();
  await cluster.done(`${etcd}/measured`, 'adopt');
  const tookMs = Date.now() - began;
  for (const part of [0.8, 0.9]) {
    rmSync(cluster.data, { recursive: true });
    cpSync(before, cluster.data, { recursive: true });
    const store = `${etcd}/at${part * 10}`;
    const config = cluster.configFile({ 'cluster.store': store });
    const child = spawn(process.execPath, [launcher, 'cluster', 'adopt', '--config', config]);
    const ended = once(child, 'close');
    await sleep(tookMs * part);
    child.kill('SIGKILL');
    await ended;
    await cluster.done(store, 'adopt');
    assert.match(await cluster.done(store, 'dump'), /"name":"orders"/);
  }
  const broker = await cluster.startBroker({ 'cluster.store': `${etcd}/at9` });
  assert.deepEqual(await recordsOf(broker, 'orders', 1), ['one']);
});
