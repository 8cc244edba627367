// Connections between brokers: to whom they lead.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { TestCluster } from '../../../tests/doubles/broker/members.ts';
import { type Io, IoError } from '../../io/index.ts';
import { type BrokerRegistration, MetadataImage } from '../../metadata/index.ts';
import { BrokerConnections } from './broker-connections.ts';

/** Brokers by the port that the image has for them. */
function imageOf(ports: Readonly<Record<number, number>>): MetadataImage {
  let { brokers } = MetadataImage.empty('c');
  for (const [id, port] of Object.entries(ports)) {
    const listeners = [{ name: 'PLAINTEXT', host: 'host', port, securityProtocol: 0 }];
    const broker: BrokerRegistration = {
      ...{ id: Number(id), epoch: 1, incarnationId: `${port}`, features: new Map(), rack: null },
      ...{ fenced: false, inControlledShutdown: false, logDirs: [], listeners },
    };
    brokers = brokers.set(broker.id, broker);
  }
  return new MetadataImage({ ...MetadataImage.empty('c'), brokers });
}

test('an address that leads to another broker, or another cluster, is no connection', () =>
  simulate(async (io) => {
    const cluster = await TestCluster.open(io);
    await cluster.startAll([1, 2]);
    let image = imageOf({ 1: TestCluster.portOf(1), 2: TestCluster.portOf(1) });
    const connectionsOf = (clusterId: string) =>
      new BrokerConnections(io, {
        ...{ nodeId: 9, clusterId, listenerName: 'PLAINTEXT', image: () => image },
        requestTimeoutMs: () => 1000,
        setupTimeoutMs: () => ({ first: 1000, max: 1000 }),
      });
    const connections = connectionsOf('c');
    const { port } = await connections.connect(1);
    assert.equal(port, TestCluster.portOf(1));
    const isOther = (error: unknown) =>
      error instanceof IoError && /host:\d+ is not broker \d of this cluster/.test(error.message);
    await assert.rejects(connections.connect(2), isOther);
    await assert.rejects(connectionsOf('d').connect(1), isOther);
    await assert.rejects(connections.connect(3), /broker 3: it is not registered/);
    // One that has moved since is found where it is now, and its old connection is left.
    const shared = await connections.shared(1, 'admin');
    assert.equal(await connections.shared(1, 'admin'), shared);
    image = imageOf({ 2: TestCluster.portOf(2) });
    assert.equal((await connections.shared(2, 'admin')).port, TestCluster.portOf(2));
    connections.close();
    assert.equal(shared.isClosed, true);
    await assert.rejects(connections.shared(2, 'admin'), /this broker is stopping/);
    await cluster.stop();
  }));

test('a broker that cannot be reached gets longer for each attempt, until one succeeds', () =>
  simulate(async (io) => {
    const waitedMs: number[] = [];
    let isThere = false;
    const network: Io['network'] = {
      ...io.network,
      connect: async ({ timeoutMs, ...address }) => {
        waitedMs.push(timeoutMs ?? -1);
        if (!isThere) throw new IoError('ETIMEDOUT', 'planted');
        return io.network.connect(address);
      },
    };
    const cluster = await TestCluster.open(io);
    await cluster.start(1);
    const connections = new BrokerConnections(
      { ...io, network },
      {
        ...{ nodeId: 9, clusterId: 'c', listenerName: 'PLAINTEXT' },
        image: () => imageOf({ 1: TestCluster.portOf(1) }),
        requestTimeoutMs: () => 30_000,
        setupTimeoutMs: () => ({ first: 500, max: 1500 }),
      },
    );
    for (let i = 0; i < 4; i++) await assert.rejects(connections.connect(1), { code: 'ETIMEDOUT' });
    isThere = true;
    await connections.connect(1);
    await connections.connect(1);
    assert.deepEqual(waitedMs, [500, 1000, 1500, 1500, 1500, 500]);
    connections.close();
    await cluster.stop();
  }));
