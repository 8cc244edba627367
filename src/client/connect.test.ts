// Clients that share what they can, and brokers whose addresses change under them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ScriptedCluster } from '../../tests/doubles/client/scripted-cluster.ts';
import type { Io } from '../io/index.ts';
import { connect } from './connect.ts';

function scene(title: string, run: (io: Io, cluster: ScriptedCluster) => Promise<void>): void {
  test(title, () => simulate(async (io) => run(io, await ScriptedCluster.start(io))));
}

/** Connections that an Io was asked for. */
function counting(io: Io): { readonly io: Io; count(): number } {
  let count = 0;
  const network: Io['network'] = {
    listen: (...options) => io.network.listen(...options),
    hostName: () => io.network.hostName(),
    http: (request) => io.network.http(request),
    connect: (options) => {
      count++;
      return io.network.connect(options);
    },
  };
  return { io: { ...io, network }, count: () => count };
}

scene('producers and admin clients share one connection per broker', async (io, cluster) => {
  cluster.addTopic('t', [1]);
  const counted = counting(io);
  const kafka = connect({ bootstrapServers: cluster.bootstrapServers }, counted.io);
  const [first, second, admin] = [kafka.producer(), kafka.producer(), kafka.admin()];
  await Promise.all([first, second].map((each) => each.send({ topic: 't', value: 'x' })));
  await admin.listTopics();
  assert.equal(counted.count(), 1);
  const consumer = kafka.consumer();
  await consumer.assign([{ topic: 't', partition: 0, offset: 'earliest' }]);
  const before = cluster.requestCounts.get('Metadata') ?? 0;
  assert.equal((await consumer.poll(5_000)).length, 2);
  assert.equal(counted.count(), 2);
  // What the topic's leader is was known already.
  assert.equal(cluster.requestCounts.get('Metadata') ?? 0, before);
  await first.close();
  await second.send({ topic: 't', value: 'x' });
  await kafka.close();
  await assert.rejects(second.send({ topic: 't', value: 'x' }), { code: 'ILLEGAL_STATE' });
  assert.throws(() => kafka.admin(), { code: 'ILLEGAL_STATE' });
});

scene('a connection that makes no sense is refused at once', async (io, cluster) => {
  const { bootstrapServers } = cluster;
  const options = { bootstrapServers, ...{ lingerMs: 5 } };
  assert.throws(() => connect(options, io), /there is no option lingerMs/);
  assert.throws(() => connect({ bootstrapServers: '' }, io), /bootstrapServers is empty/);
  const kafka = connect({ 'bootstrap.servers': bootstrapServers }, io);
  assert.ok((await kafka.admin().describeCluster()).nodes.length > 0);
  await kafka[Symbol.asyncDispose]();
});

scene('brokers that restart in any order are found again without a call', async (io, cluster) => {
  await cluster.startNode(2);
  await cluster.startNode(3);
  cluster.addTopic('t', [1, 2, 3]);
  const kafka = connect({ bootstrapServers: '127.0.0.1:9001,127.0.0.1:9002' }, io);
  const producer = kafka.producer({ lingerMs: 0 });
  const consumer = kafka.consumer();
  const places = [0, 1, 2].map((partition) => ({ topic: 't', partition }));
  await consumer.assign(places.map((place) => ({ ...place, offset: 'earliest' as const })));
  let seen = 0;
  const reading = (async () => {
    while (seen < 18) seen += (await consumer.poll(1_000)).length;
  })();
  for (const order of [
    [1, 2, 3],
    [1, 3, 2],
    [2, 1, 3],
    [2, 3, 1],
    [3, 1, 2],
    [3, 2, 1],
  ]) {
    for (const nodeId of order) await cluster.stopNode(nodeId);
    // Given while nobody is there: what is lost meanwhile is sent again.
    const sent = places.map((place) => producer.send({ ...place, value: 'x' }));
    await io.clock.sleep(3_000);
    for (const nodeId of order) await cluster.startNode(nodeId);
    const upMs = io.clock.monotonic();
    await Promise.all(sent);
    // Twice the largest pause between two attempts.
    assert.ok(io.clock.monotonic() - upMs < 2 * 1_000 * 1.2, order.join());
  }
  await reading;
  await kafka.close();
});
