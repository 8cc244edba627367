// A broker that may open few files: more partitions than that are made, take records and are there
// after a restart, and connections that find no descriptor end nothing but themselves.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { createNodeIo } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import { createTopics, encodeBatch, listOffsets, produce } from '../../src/protocol/index.ts';
import { BrokerProcess } from '../broker-process.ts';

const io = createNodeIo({ logLevel: 'off' });
const partitionCount = 500;
const brokers: BrokerProcess[] = [];

afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.dispose();
});

async function start(descriptorsMax: number): Promise<BrokerProcess> {
  const broker = await BrokerProcess.start({ descriptorsMax });
  brokers.push(broker);
  return broker;
}

function connectTo(broker: BrokerProcess): Promise<ClientConnection> {
  return ClientConnection.connect(io, { host: '127.0.0.1', port: broker.port, clientId: 'test' });
}

async function createTopic(client: ClientConnection, numPartitions: number): Promise<void> {
  const topic = { name: 't', numPartitions, replicationFactor: 1, assignments: [], configs: [] };
  const answer = await client.request(createTopics, { topics: [topic], timeoutMs: 60_000 });
  assert.equal(answer.topics[0]?.errorCode, 0);
}

/** A record to each partition, in one request; how many answered with which code. */
async function sendToAll(client: ClientConnection): Promise<Map<number, number>> {
  const value = Buffer.from('x');
  const partitionData = Array.from({ length: partitionCount }, (_, index) => ({
    index,
    records: encodeBatch({ records: [{ value, timestamp: Date.now() }] }),
  }));
  const topicData = [{ name: 't', partitionData }];
  const request = { acks: -1, timeoutMs: 30_000, topicData };
  const answer = await client.request(produce, request, { versionMax: 12 });
  const codes = (answer.responses[0]?.partitionResponses ?? []).map(({ errorCode }) => errorCode);
  return new Map([...new Set(codes)].map((code) => [code, codes.filter((c) => c === code).length]));
}

/** Records in all partitions together. */
async function countAll(client: ClientConnection): Promise<number> {
  const partitions = Array.from({ length: partitionCount }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: -1,
  }));
  const topics = [{ name: 't', partitions }];
  const answer = await client.request(listOffsets, { replicaId: -1, topics }, { versionMax: 8 });
  const found = answer.topics[0]?.partitions ?? [];
  assert.equal(found.length, partitionCount);
  return found.reduce((sum, { errorCode, offset }) => sum + (errorCode === 0 ? offset : 0), 0);
}

test('twice as many partitions as descriptors are made, written, stopped and started', async () => {
  const broker = await start(256);
  let client = await connectTo(broker);
  await createTopic(client, partitionCount);
  assert.deepEqual(await sendToAll(client), new Map([[0, partitionCount]]));
  for (const end of ['stop', 'kill9'] as const) {
    client.close();
    await broker[end]();
    await broker.start();
    client = await connectTo(broker);
    const before = await countAll(client);
    assert.equal(before, end === 'stop' ? partitionCount : 2 * partitionCount);
    assert.deepEqual(await sendToAll(client), new Map([[0, partitionCount]]));
  }
  assert.doesNotMatch(broker.output, /EMFILE|cannot/);
  client.close();
});

test('connections beyond the limit are turned away and the others are served', async () => {
  const broker = await start(128);
  const client = await connectTo(broker);
  await createTopic(client, 100);
  const sockets = await Promise.all(Array.from({ length: 200 }, () => openSocket(broker)));
  const sent = await client.request(listOffsets, { replicaId: -1, topics: [] }, { versionMax: 8 });
  assert.deepEqual(sent.topics, []);
  await broker.outputMatches(/connection refused.*128 files and connections.*ulimit -n/);
  assert.equal(broker.output.match(/connection refused/g)?.length, 1, broker.output);
  for (const socket of sockets) socket.destroy();
  const another = await connectAgain(broker);
  another.close();
  client.close();
  assert.equal(await broker.stop(), 0);
});

function openSocket(broker: BrokerProcess): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: broker.port });
    socket.on('error', () => resolve(socket));
    socket.once('connect', () => resolve(socket));
  });
}

/** The broker may not have seen yet that the others are gone. */
async function connectAgain(broker: BrokerProcess): Promise<ClientConnection> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await connectTo(broker);
    } catch (error) {
      if (attempt === 50) throw error;
      await io.clock.sleep(20);
    }
  }
}
