// Starting and stopping: what a broker leaves behind, what it finds, and why it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate, World } from '../../sim/index.ts';
import { port, startBroker } from '../../tests/doubles/broker/brokers.ts';
import { loadBrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import {
  createTopics,
  ErrorCode,
  encodeBatch,
  fetch,
  listOffsets,
  produce,
} from '../protocol/index.ts';
import { Broker } from './index.ts';

function connect(io: Io, host = 'host'): Promise<ClientConnection> {
  return ClientConnection.connect(io, { host, port, clientId: 'test' });
}

async function createTopic(client: ClientConnection, name: string, partitions = 1) {
  const answer = await client.request(createTopics, {
    topics: [
      { name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] },
    ],
  });
  assert.equal(answer.topics[0]?.errorCode, 0);
}

async function send(client: ClientConnection, io: Io, value: string) {
  const records = encodeBatch({
    records: [{ value: Buffer.from(value), timestamp: io.clock.now() }],
  });
  const answer = await client.request(
    produce,
    {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
    },
    { versionMax: 12 },
  );
  return answer.responses[0]?.partitionResponses[0];
}

async function endOffset(client: ClientConnection): Promise<number | undefined> {
  const answer = await client.request(listOffsets, {
    replicaId: -1,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  });
  return answer.topics[0]?.partitions[0]?.offset;
}

test('after a clean stop everything is there again, under the same cluster id', async () => {
  await simulate(async (io) => {
    const first = await startBroker(io);
    const client = await connect(io);
    await createTopic(client, 't');
    for (let i = 0; i < 10; i++) await send(client, io, String(i));
    client.close();
    await first.stop();
    assert.notEqual(io.disk.readFile('/data/.kafka_cleanshutdown'), null);
    const second = await startBroker(io);
    assert.equal(second.clusterId, first.clusterId);
    const again = await connect(io);
    assert.equal(await endOffset(again), 10);
    assert.equal((await send(again, io, 'more'))?.baseOffset, 10);
    again.close();
    await second.stop();
  });
});

test('a killed broker comes back with what was acknowledged', async () => {
  const world = new World();
  const first = world.startProcess('host', (io) => startBroker(io).then(() => {}));
  await world.run(() => first.hasReturned);
  let acknowledged = 0;
  const client = world.startProcess('client', async (io) => {
    const connection = await connect(io);
    await createTopic(connection, 't', 3);
    for (;;) {
      if ((await send(connection, io, 'x'))?.errorCode === 0) acknowledged++;
    }
  });
  await world.run(() => acknowledged === 50);
  first.kill();
  client.kill();
  const second = world.startProcess('host', (io) => startBroker(io).then(() => {}));
  await world.run(() => second.hasReturned);
  let end = -1;
  world.startProcess('client', async (io) => {
    end = (await endOffset(await connect(io))) ?? -1;
  });
  await world.run(() => end >= 0);
  assert.ok(end >= 50 && end <= 51, `${end} records`);
});

test('a power cut loses nothing of a topic that is flushed with each record', async () => {
  const world = new World();
  const config = { 'log.flush.interval.messages': '1' };
  const first = world.startProcess('host', (io) => startBroker(io, config).then(() => {}));
  await world.run(() => first.hasReturned);
  let acknowledged = 0;
  const client = world.startProcess('client', async (io) => {
    const connection = await connect(io);
    await createTopic(connection, 't');
    for (;;) {
      if ((await send(connection, io, 'x'))?.errorCode === 0) acknowledged++;
    }
  });
  await world.run(() => acknowledged === 20);
  world.host('host').powerCut();
  client.kill();
  const second = world.startProcess('host', (io) => startBroker(io, config).then(() => {}));
  await world.run(() => second.hasReturned);
  let end = -1;
  world.startProcess('client', async (io) => {
    end = (await endOffset(await connect(io))) ?? -1;
  });
  await world.run(() => end >= 0);
  assert.ok(end >= 20 && end <= 21, `${end} records`);
});

test('a second broker on the same data, or on a taken port, says so in one line', async () => {
  await simulate(async (io) => {
    const first = await startBroker(io);
    await assert.rejects(startBroker(io, { listeners: 'PLAINTEXT://0.0.0.0:9093' }), {
      name: 'BrokerError',
      message: /^log directory \/data is in use .*log\.dirs$/,
    });
    await assert.rejects(startBroker(io, { 'log.dirs': '/other' }), {
      name: 'BrokerError',
      message: /^cannot listen on PLAINTEXT:\/\/0\.0\.0\.0:9092: port 9092 is in use/,
    });
    // What failed to start holds nothing.
    const other = await startBroker(io, {
      'log.dirs': '/other',
      listeners: 'PLAINTEXT://0.0.0.0:9093',
    });
    await other.stop();
    await first.stop();
  });
});

test('a directory of another cluster or node is refused, and stays as it is', async () => {
  await simulate(async (io) => {
    const first = await startBroker(io);
    await first.stop();
    const meta = io.disk.readFile('/data/meta.properties')?.toString();
    await assert.rejects(startBroker(io, { 'node.id': '7' }), /belongs to node 1/);
    const loaded = loadBrokerConfig({
      overrides: [
        ['log.dirs', '/data'],
        ['listeners', `PLAINTEXT://0.0.0.0:${port}`],
      ],
      env: { CLUSTER_ID: 'AAAAAAAAAAAAAAAAAAAABQ' },
    });
    const onFatal = (error: Error): never => assert.fail(error);
    await assert.rejects(Broker.start(io, loaded.config, { onFatal }), /belongs to cluster/);
    assert.equal(io.disk.readFile('/data/meta.properties')?.toString(), meta);
  });
});

test('a stop answers the fetches that wait, at once', async () => {
  await simulate(async (io) => {
    const broker = await startBroker(io);
    const client = await connect(io);
    await createTopic(client, 't');
    const waiting = client.request(
      fetch,
      {
        maxWaitMs: 60_000,
        minBytes: 1,
        topics: [
          { topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }] },
        ],
      },
      { versionMax: 12 },
    );
    await io.clock.sleep(10);
    const beganMs = io.clock.monotonic();
    const [answer] = await Promise.all([waiting, broker.stop()]);
    assert.equal(answer.responses[0]?.partitions[0]?.errorCode, 0);
    assert.ok(io.clock.monotonic() - beganMs < 1000);
  });
});

test('partitions are spread over the log directories and found again there', async () => {
  await simulate(async (io) => {
    const config = { 'log.dirs': '/a,/b' };
    const first = await startBroker(io, config);
    const client = await connect(io);
    await createTopic(client, 't', 4);
    await send(client, io, 'x');
    const count = (path: string) =>
      io.disk.list(path).filter(({ name }) => /^t-\d$/.test(name)).length;
    assert.deepEqual([count('/a'), count('/b')], [2, 2]);
    client.close();
    await first.stop();
    const second = await startBroker(io, config);
    const again = await connect(io);
    assert.equal(await endOffset(again), 1);
    assert.deepEqual([count('/a'), count('/b')], [2, 2]);
    again.close();
    await second.stop();
  });
});

test('a full disk refuses what needs room, serves the rest, and recovers with it', async () => {
  await simulate(async (io, { host }) => {
    const broker = await startBroker(io);
    const client = await connect(io);
    await createTopic(client, 't');
    await send(client, io, 'before');
    const { capacityBytes } = host.files;
    host.files.capacityBytes = capacityBytes - host.files.usableBytes + 10;
    const refused = await send(client, io, 'during');
    assert.equal(refused?.errorCode, ErrorCode.KAFKA_STORAGE_ERROR);
    const topics = [
      { name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ];
    const { topics: created } = await client.request(createTopics, { topics });
    assert.notEqual(created[0]?.errorCode, 0);
    assert.equal(await endOffset(client), 1);
    host.files.capacityBytes = capacityBytes;
    assert.equal((await send(client, io, 'after'))?.baseOffset, 1);
    await createTopic(client, 'new');
    client.close();
    await broker.stop();
  });
});

test('a start on a full disk says so in one line, and works once there is room', async () => {
  await simulate(async (io, { host }) => {
    const first = await startBroker(io);
    const client = await connect(io);
    await createTopic(client, 't');
    await send(client, io, 'kept');
    client.close();
    await first.stop();
    const { capacityBytes } = host.files;
    host.files.capacityBytes = capacityBytes - host.files.usableBytes;
    await assert.rejects(startBroker(io), {
      name: 'BrokerError',
      message: /^(cannot start|log directory).*(room|space)/,
    });
    host.files.capacityBytes = capacityBytes;
    const second = await startBroker(io);
    const again = await connect(io);
    assert.equal(await endOffset(again), 1);
    again.close();
    await second.stop();
  });
});
