// Several entries of log.dirs: moves between them under load and under the axe, and what becomes
// of the others when one fails.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../sim/index.ts';
import {
  port,
  startBroker,
  type TestBroker,
  withBroker,
} from '../../tests/doubles/broker/brokers.ts';
import { breakableDisk } from '../../tests/doubles/io/breakable-disk.ts';
import { loadBrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import {
  alterReplicaLogDirs,
  batchHeaders,
  createTopics,
  decodeRecords,
  deleteRecords,
  describeLogDirs,
  ErrorCode,
  encodeBatch,
  fetch,
  incrementalAlterConfigs,
  metadata,
  produce,
} from '../protocol/index.ts';
import { Broker } from './index.ts';

const twoDirectories = { 'log.dirs': '/a,/b' };

const connect = (io: Io): Promise<ClientConnection> =>
  ClientConnection.connect(io, { host: 'host', port, clientId: 'test' });

async function createTopic(client: ClientConnection, name: string, numPartitions = 1) {
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
  const answer = await client.request(createTopics, { topics: [topic] });
  assert.equal(answer.topics[0]?.errorCode, 0);
}

async function send(client: ClientConnection, io: Io, value: string, index = 0): Promise<number> {
  const records = encodeBatch({
    records: [{ value: Buffer.from(value), timestamp: io.clock.now() }],
  });
  const answer = await client.request(
    produce,
    { acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData: [{ index, records }] }] },
    { versionMax: 12 },
  );
  return answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
}

async function move(client: ClientConnection, path: string, partitions = [0], name = 't') {
  const dirs = [{ path, topics: [{ name, partitions }] }];
  const answer = await client.request(alterReplicaLogDirs, { dirs });
  return answer.results.flatMap((topic) => topic.partitions.map(({ errorCode }) => errorCode));
}

interface Place {
  readonly directory: string;
  readonly isFuture: boolean;
  readonly lag: number;
}

/** Where t-0 is. */
async function placesOf(client: ClientConnection, index = 0): Promise<Place[]> {
  const answer = await client.request(describeLogDirs, { topics: null });
  return answer.results.flatMap(({ logDir, topics }) =>
    topics
      .flatMap(({ partitions }) => partitions)
      .filter(({ partitionIndex }) => partitionIndex === index)
      .map(({ isFutureKey, offsetLag }) => {
        return { directory: logDir, isFuture: isFutureKey, lag: offsetLag };
      }),
  );
}

async function moved(client: ClientConnection, io: Io, directory: string): Promise<void> {
  for (;;) {
    const places = await placesOf(client);
    if (places.length === 1 && places[0]?.directory === directory) return;
    await io.clock.sleep(10);
  }
}

async function values(client: ClientConnection, index = 0): Promise<string[]> {
  const read: string[] = [];
  for (let offset = 0; ; ) {
    const answer = await client.request(
      fetch,
      {
        replicaId: -1,
        maxWaitMs: 0,
        minBytes: 0,
        topics: [
          {
            topic: 't',
            partitions: [{ partition: index, fetchOffset: offset, partitionMaxBytes: 1_000_000 }],
          },
        ],
        forgottenTopicsData: [],
      },
      { versionMax: 12 },
    );
    const found = answer.responses[0]?.partitions[0];
    assert.equal(found?.errorCode, 0);
    const records = found?.records ?? Buffer.alloc(0);
    if (records.length === 0) return read;
    for (const header of batchHeaders(records)) {
      for (const record of decodeRecords(records, header)) {
        assert.equal(record.offset, offset);
        read.push(String(record.value));
        offset++;
      }
    }
  }
}

function otherThan(directory: string | undefined): string {
  return directory === '/a' ? '/b' : '/a';
}

test('a partition moves to another directory while it is appended to', async () => {
  await withBroker(
    async ({ io, client, connect: another }) => {
      await createTopic(client, 't');
      for (let i = 0; i < 50; i++) await send(client, io, `${i}`);
      const target = otherThan((await placesOf(client))[0]?.directory);
      assert.deepEqual(await move(client, target), [0]);
      const producer = await another();
      let sent = 50;
      let isDone = false;
      const producing = (async () => {
        for (; !isDone; sent++) assert.equal(await send(producer, io, `${sent}`), 0);
      })();
      await moved(client, io, target);
      isDone = true;
      await producing;
      assert.ok(sent > 50);
      const expected = Array.from({ length: sent }, (_, i) => `${i}`);
      assert.deepEqual(await values(client), expected);
      await move(client, otherThan(target));
      await moved(client, io, otherThan(target));
      assert.deepEqual(await values(client), expected);
      producer.close();
      await io.clock.sleep(120_000);
      const folders = [...io.disk.list('/a'), ...io.disk.list('/b')].map(({ name }) => name);
      assert.deepEqual(
        folders.filter((name) => name.startsWith('t-')),
        ['t-0'],
      );
    },
    { config: twoDirectories },
  );
});

test('a move keeps within its limit, is shown, and is undone by a move back', async () => {
  await withBroker(
    async ({ io, client }) => {
      await createTopic(client, 't');
      for (let i = 0; i < 100; i++) await send(client, io, 'x'.repeat(1000));
      const source = (await placesOf(client))[0]?.directory as string;
      const target = otherThan(source);
      await limitMoves(client, '10');
      assert.deepEqual(await move(client, target), [0]);
      await io.clock.sleep(5000);
      await send(client, io, 'y');
      const places = (await placesOf(client)).sort((x) => (x.isFuture ? 1 : -1));
      assert.deepEqual(
        places.map(({ directory, isFuture }) => [directory, isFuture]),
        [
          [source, false],
          [target, true],
        ],
      );
      assert.ok((places[1]?.lag ?? 0) > 0);
      assert.deepEqual(await move(client, source), [0]);
      await moved(client, io, source);
      assert.deepEqual(await move(client, target), [0]);
      await io.clock.sleep(1000);
      await limitMoves(client, '10000000');
      await moved(client, io, target);
      assert.equal((await values(client)).length, 101);
    },
    { config: twoDirectories },
  );
});

async function limitMoves(client: ClientConnection, value: string): Promise<void> {
  const name = 'replica.alter.log.dirs.io.max.bytes.per.second';
  const configs = [{ name, configOperation: 0, value }];
  const resources = [{ resourceType: 4, resourceName: '1', configs }];
  const answer = await client.request(incrementalAlterConfigs, {
    resources,
    validateOnly: false,
  });
  assert.equal(answer.responses[0]?.errorCode, 0);
}

test('a move that begins inside of a batch, or is of nothing, keeps offsets', async () => {
  await withBroker(
    async ({ io, client, produce: sendAll }) => {
      await createTopic(client, 't');
      await sendAll('t', ['a', 'b', 'c']);
      await sendAll('t', ['d']);
      const before = (offset: number) =>
        client.request(deleteRecords, {
          topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset }] }],
          timeoutMs: 1000,
        });
      await before(2);
      const target = otherThan((await placesOf(client))[0]?.directory);
      await move(client, target);
      await moved(client, io, target);
      await io.clock.sleep(500);
      // What was deleted stays so if the broker is killed now.
      assert.match(`${io.disk.readFile(`${target}/log-start-offset-checkpoint`)}`, /^t 0 2$/m);
      const low = (await before(2)).topics[0]?.partitions[0];
      assert.deepEqual([low?.errorCode, low?.lowWatermark], [0, 2]);
      assert.equal((await sendAll('t', ['e'])).baseOffset, 4);
      await before(-1);
      await move(client, otherThan(target));
      await moved(client, io, otherThan(target));
      assert.equal((await sendAll('t', ['f'])).baseOffset, 5);
    },
    { config: twoDirectories },
  );
});

test('a move to where nothing can be is refused', async () => {
  await withBroker(
    async ({ client }) => {
      const long = 'l'.repeat(230);
      await createTopic(client, 't');
      await createTopic(client, long);
      const here = (await placesOf(client))[0]?.directory as string;
      assert.deepEqual(await move(client, '/nowhere'), [ErrorCode.LOG_DIR_NOT_FOUND]);
      assert.deepEqual(await move(client, here, [0, 3]), [0, ErrorCode.REPLICA_NOT_AVAILABLE]);
      assert.deepEqual(await move(client, '/b', [0], 'gone'), [ErrorCode.REPLICA_NOT_AVAILABLE]);
      const tooLong = await move(client, '/b', [0], long);
      assert.deepEqual(tooLong, [ErrorCode.INVALID_TOPIC_EXCEPTION]);
    },
    { config: twoDirectories },
  );
});

/** Dies before some disk operation of a move under load; returns whether it came to that. */
async function moveAndDie(operation: number, isPowerCut: boolean): Promise<boolean> {
  const world = new World({ seed: `${operation}`, faults: { disk: { syncMsMean: 1 } } });
  const flush: Record<string, string> = isPowerCut ? { 'log.flush.interval.messages': '1' } : {};
  const config = { ...twoDirectories, ...flush };
  const first = world.startProcess('host', (io) => startBroker(io, config).then(() => {}));
  await world.run(() => first.hasReturned);
  let acknowledged = 0;
  let isMoved = false;
  const client = world.startProcess('client', async (io) => {
    const connection = await connect(io);
    await createTopic(connection, 't');
    for (; acknowledged < 5; acknowledged++) await send(connection, io, `${acknowledged}`);
    const target = otherThan((await placesOf(connection))[0]?.directory);
    first.killAtDiskOperation(operation);
    const mover = await connect(io);
    void move(mover, target)
      .then(() => moved(mover, io, target))
      .then(() => {
        isMoved = true;
      })
      .catch(() => {});
    while ((await send(connection, io, `${acknowledged}`).catch(() => -1)) === 0) acknowledged++;
  });
  await world.run(() => !first.isAlive || (isMoved && acknowledged > 20));
  const hasDied = !first.isAlive;
  if (isPowerCut) world.host('host').powerCut();
  else first.kill();
  client.kill();
  const second = world.startProcess('host', (io) => startBroker(io, config).then(() => {}));
  await world.run(() => second.hasReturned);
  let read: string[] = [];
  let places: Place[] = [];
  const reader = world.startProcess('client', async (io) => {
    const connection = await connect(io);
    // A move that was cut short goes on.
    do {
      await io.clock.sleep(100);
      places = await placesOf(connection);
    } while (places.length > 1);
    await send(connection, io, 'last');
    read = await values(connection);
  });
  await world.run(() => reader.hasReturned);
  const where = `operation ${operation}, ${isPowerCut ? 'power cut' : 'kill'}`;
  assert.equal(places.length, 1, where);
  assert.equal(read.pop(), 'last', where);
  assert.ok(read.length >= acknowledged, `${where}: ${read.length} of ${acknowledged} records`);
  assert.ok(read.length <= acknowledged + 1, `${where}: ${read.length} records`);
  assert.deepEqual(
    read,
    read.map((_, i) => `${i}`),
    where,
  );
  return hasDied;
}

for (const isPowerCut of [false, true]) {
  const what = isPowerCut ? 'a power cut' : 'kill -9';
  test(`nothing is lost by ${what} at any step of a move`, async () => {
    let deaths = 0;
    for (let operation = 1; operation <= 60; operation++) {
      if (await moveAndDie(operation, isPowerCut)) deaths++;
    }
    assert.ok(deaths >= 30, `${deaths} deaths`);
  });
}

/** Dies in a move under load; at the next start the disk that was moved to is gone for a while. */
async function moveDieAndMiss(operation: number): Promise<'offline' | 'served'> {
  const world = new World({ seed: `${operation}`, faults: { disk: { syncMsMean: 1 } } });
  const config = { ...twoDirectories, 'metadata.log.dir': '/m' };
  const first = world.startProcess('host', (io) => startBroker(io, config).then(() => {}));
  await world.run(() => first.hasReturned);
  let acknowledged = 0;
  let isMoved = false;
  let target = '';
  const produce = async (io: Io, connection: ClientConnection): Promise<void> => {
    while ((await send(connection, io, `${acknowledged}`).catch(() => -1)) === 0) {
      acknowledged++;
      // Most of what the disk does belongs to the move.
      await io.clock.sleep(5);
    }
  };
  const client = world.startProcess('client', async (io) => {
    const connection = await connect(io);
    await createTopic(connection, 't');
    for (; acknowledged < 5; acknowledged++) await send(connection, io, `${acknowledged}`);
    target = otherThan((await placesOf(connection))[0]?.directory);
    first.killAtDiskOperation(operation);
    const mover = await connect(io);
    void move(mover, target)
      .then(() => moved(mover, io, target))
      .then(() => {
        isMoved = true;
      })
      .catch(() => {});
    await produce(io, connection);
  });
  await world.run(() => !first.isAlive || (isMoved && acknowledged > 20));
  first.kill();
  client.kill();
  let leader = -2;
  const second = world.startProcess('host', async (io) => {
    const gone = breakableDisk(io.disk, target);
    gone.break();
    await startBroker({ ...io, disk: gone.disk }, config);
  });
  await world.run(() => second.hasReturned);
  const asker = world.startProcess('client', async (io) => {
    const connection = await connect(io);
    leader = await leaderOf({ client: connection }, 0);
    if (leader === 1)
      for (let i = 0; i < 3; i++, acknowledged++) await send(connection, io, `${acknowledged}`);
  });
  await world.run(() => asker.hasReturned);
  second.kill();
  const third = world.startProcess('host', (io) => startBroker(io, config).then(() => {}));
  await world.run(() => third.hasReturned);
  let read: string[] = [];
  const reader = world.startProcess('client', async (io) => {
    const connection = await connect(io);
    while ((await placesOf(connection)).length > 1) await io.clock.sleep(100);
    read = await values(connection);
  });
  await world.run(() => reader.hasReturned);
  const where = `operation ${operation}, moved to ${target}, leader ${leader}`;
  const kept = new Set(read);
  for (let i = 0; i < acknowledged; i++) assert.ok(kept.has(`${i}`), `${where}: ${i} is lost`);
  return leader === 1 ? 'served' : 'offline';
}

test('what a move left behind is not served while the disk it was moved to is gone', async () => {
  const seen = { offline: 0, served: 0 };
  for (let operation = 1; operation <= 60; operation++) seen[await moveDieAndMiss(operation)]++;
  assert.ok(seen.offline > 0 && seen.served > 0, JSON.stringify(seen));
});

async function leaderOf({ client }: Pick<TestBroker, 'client'>, index: number): Promise<number> {
  const { topics } = await client.request(metadata, { topics: [{ name: 't' }] });
  const partition = topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === index);
  return partition?.leaderId ?? -2;
}

test('a directory that fails costs its partitions and no others, a restart included', async () => {
  const world = new World();
  const config = { ...twoDirectories, 'log.flush.interval.messages': '1' };
  const first = world.startProcess('host', async (io) => {
    const broken = breakableDisk(io.disk, '/b');
    const broker = await startBroker({ ...io, disk: broken.disk }, config);
    const client = await connect(io);
    await createTopic(client, 't', 2);
    const inB = (await placesOf(client, 0))[0]?.directory === '/b' ? 0 : 1;
    assert.equal((await placesOf(client, inB))[0]?.directory, '/b');
    for (const index of [0, 1]) assert.equal(await send(client, io, 'before', index), 0);
    broken.break();
    const codes = [await send(client, io, 'lost', inB), await send(client, io, 'lost', inB)];
    assert.ok(codes.includes(ErrorCode.KAFKA_STORAGE_ERROR), String(codes));
    assert.equal(await send(client, io, 'after', 1 - inB), 0);
    while ((await leaderOf({ client }, inB)) !== -1) await io.clock.sleep(10);
    assert.equal(await send(client, io, 'lost', inB), ErrorCode.KAFKA_STORAGE_ERROR);
    assert.equal(await leaderOf({ client }, 1 - inB), 1);
    const { results } = await client.request(describeLogDirs, { topics: null });
    assert.deepEqual(
      results.map(({ logDir, errorCode }) => [logDir, errorCode]),
      [
        ['/a', 0],
        ['/b', ErrorCode.KAFKA_STORAGE_ERROR],
      ],
    );
    assert.deepEqual(await move(client, '/b', [1 - inB]), [ErrorCode.KAFKA_STORAGE_ERROR]);
    assert.deepEqual(await move(client, '/a', [inB]), [ErrorCode.KAFKA_STORAGE_ERROR]);
    client.close();
    await broker.stop();
    // The disk is still gone: the partition waits for it instead of beginning anew.
    const gone = breakableDisk(io.disk, '/b');
    gone.break();
    const second = await startBroker({ ...io, disk: gone.disk }, config);
    const again = await connect(io);
    assert.equal(await leaderOf({ client: again }, inB), -1);
    assert.deepEqual(await values(again, 1 - inB), ['before', 'after']);
    const offline = await again.request(describeLogDirs, { topics: null });
    assert.equal(
      offline.results.find(({ logDir }) => logDir === '/b')?.errorCode,
      ErrorCode.KAFKA_STORAGE_ERROR,
    );
    await createTopic(again, 'new', 2);
    again.close();
    await second.stop();
    // And then it is back.
    const third = await startBroker(io, config);
    const last = await connect(io);
    assert.equal(await leaderOf({ client: last }, inB), 1);
    const kept = await values(last, inB);
    assert.equal(kept[0], 'before');
    last.close();
    await third.stop();
  });
  await world.run(() => first.hasReturned);
});

test('the broker stops when the directory of the metadata fails', async () => {
  const world = new World();
  const failures: Error[] = [];
  const process = world.startProcess('host', async (io) => {
    const broken = breakableDisk(io.disk, '/a');
    const overrides = Object.entries({
      ...twoDirectories,
      listeners: `PLAINTEXT://0.0.0.0:${port}`,
      'log.flush.interval.messages': '1',
    });
    await Broker.start({ ...io, disk: broken.disk }, loadBrokerConfig({ overrides }).config, {
      onFatal: (error) => failures.push(error),
    });
    const client = await connect(io);
    await createTopic(client, 't', 2);
    broken.break();
    for (const index of [0, 1]) await send(client, io, 'x', index);
    while (failures.length === 0) await io.clock.sleep(10);
  });
  await world.run(() => process.hasReturned);
  assert.ok(failures.length > 0);
});
