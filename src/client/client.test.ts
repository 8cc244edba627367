// What all clients share: a broker that was named and is not in the metadata.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ScriptedCluster } from '../../tests/doubles/client/scripted-cluster.ts';
import { serveFindCoordinator } from '../../tests/doubles/client/scripted-offsets.ts';
import type { Io } from '../io/index.ts';
import { deleteGroups, ErrorCode, metadata } from '../protocol/index.ts';
import { Admin } from './admin/index.ts';
import { Client } from './client.ts';
import { OffsetSpec } from './offset-queries.ts';

function scene(title: string, run: (io: Io, cluster: ScriptedCluster) => Promise<void>): void {
  test(title, () => simulate(async (io) => run(io, await ScriptedCluster.start(io))));
}

scene('metadata are asked for until they name the broker that is needed', async (io, cluster) => {
  const client = new Client(io, { bootstrapServers: cluster.bootstrapServers }, false);
  await client.refresh();
  io.clock.after(3_000, () => void cluster.startNode(2));
  const connection = await client.retry(() => client.connectionTo(2));
  assert.equal(connection.isClosed, false);
  client.close();
});

scene('a coordinator that the metadata do not name yet is waited for', async (io, cluster) => {
  serveFindCoordinator(cluster, () => 2);
  cluster.serve(deleteGroups, ({ nodeId, respond }) => {
    assert.equal(nodeId, 2);
    respond({ throttleTimeMs: 0, results: [{ groupId: 'g', errorCode: 0 }] });
  });
  io.clock.after(3_000, () => void cluster.startNode(2));
  const admin = new Admin({ bootstrapServers: cluster.bootstrapServers }, io);
  assert.deepEqual(await admin.deleteConsumerGroups(['g']), [{ groupId: 'g', error: null }]);
  await admin.close();
});

scene('a broker that no metadata name is looked for until the time is up', async (io, cluster) => {
  const { bootstrapServers } = cluster;
  const client = new Client(io, { bootstrapServers, defaultApiTimeoutMs: 5_000 }, false);
  const beganMs = io.clock.monotonic();
  const asked = client.retry(() => client.connectionTo(7));
  await assert.rejects(asked, { errorName: 'NETWORK_EXCEPTION', message: /broker 7 is not in/ });
  assert.ok(io.clock.monotonic() - beganMs > 3_000);
  assert.ok((cluster.requestCounts.get('Metadata') ?? 0) > 2);
  client.close();
});

scene('a leader that the metadata do not name yet is waited for', async (io, cluster) => {
  cluster.addTopic('t', [2]);
  io.clock.after(3_000, () => void cluster.startNode(2));
  const admin = new Admin({ bootstrapServers: cluster.bootstrapServers }, io);
  const [found] = await admin.listOffsets([
    { topic: 't', partition: 0, timestamp: OffsetSpec.latest },
  ]);
  assert.equal(found?.error, null);
  await admin.close();
});

scene('addresses that changed are found by way of bootstrapServers', async (io, cluster) => {
  await cluster.startNode(2);
  const bootstrapServers = '127.0.0.1:9001,127.0.0.1:9003';
  const started = async (strategy: 'rebootstrap' | 'none'): Promise<Client> => {
    const options = { bootstrapServers, metadataRecoveryStrategy: strategy };
    const client = new Client(io, options, false);
    await client.refresh();
    return client;
  };
  const [client, faithful] = [await started('rebootstrap'), await started('none')];
  await Promise.all([cluster.stopNode(1), cluster.stopNode(2)]);
  await cluster.startNode(3);
  await client.retry(() => client.refresh(), { timeoutMs: 5_000 });
  assert.deepEqual([...client.cache.nodes.keys()], [3]);
  // As with Java's setting, only the brokers that were known are asked.
  await assert.rejects(faithful.retry(() => faithful.refresh(), { timeoutMs: 5_000 }));
  client.close();
  faithful.close();
});

scene('a broker may ask a client to bootstrap again', async (io, cluster) => {
  const client = new Client(io, { bootstrapServers: cluster.bootstrapServers }, false);
  await client.refresh();
  let answers = 0;
  cluster.serve(metadata, ({ respond }) => {
    const errorCode = answers++ === 0 ? ErrorCode.REBOOTSTRAP_REQUIRED : ErrorCode.NONE;
    const brokers = errorCode === 0 ? [{ nodeId: 5, host: '127.0.0.1', port: 9001 }] : [];
    respond({ errorCode, brokers, clusterId: 'scripted', controllerId: 5, topics: [] });
  });
  await assert.rejects(client.refresh(), { errorName: 'REBOOTSTRAP_REQUIRED' });
  assert.equal(client.cache.nodes.size, 0);
  await client.retry(() => client.refresh());
  assert.deepEqual([...client.cache.nodes.keys()], [5]);
  client.close();
});
