// Brokers that are members of a cluster: how they come in, and how they ask each other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { TestCluster } from '../../tests/doubles/broker/members.ts';
import { breakableDisk } from '../../tests/doubles/io/breakable-disk.ts';
import type { Io, Log } from '../io/index.ts';
import {
  createTopics,
  encodeBatch,
  errorName,
  findCoordinator,
  KafkaError,
  metadata,
  produce,
  unregisterBroker,
} from '../protocol/index.ts';
import { readMetaProperties, readNotes } from '../storage/index.ts';

function withCluster(run: (io: Io, cluster: TestCluster) => Promise<void>): Promise<void> {
  return simulate(async (io) => {
    const cluster = await TestCluster.open(io);
    await run(io, cluster);
    await cluster.stop();
    assert.deepEqual(cluster.failures, []);
  });
}

test('three brokers that start at once are one cluster with one controller', () =>
  withCluster(async (_, cluster) => {
    await cluster.startAll([1, 2, 3]);
    const answers = [];
    for (const nodeId of [1, 2, 3]) {
      const client = await cluster.connect(nodeId);
      const { brokers, controllerId } = await client.request(metadata, { topics: [] });
      answers.push({ brokers: brokers.map(({ nodeId: id }) => id).sort(), controllerId });
      client.close();
    }
    const [first] = answers;
    assert.deepEqual(first?.brokers, [1, 2, 3]);
    assert.deepEqual(answers, [first, first, first]);
  }));

// Not only some seconds later: until then nothing would be known of a disk that is not mounted.
test('the directories of a member are noted as soon as it has joined', () =>
  withCluster(async (io, cluster) => {
    await cluster.start(1);
    await io.clock.sleep(100);
    const notes = readNotes(io.disk, '/data-1');
    const { directoryId = '' } = readMetaProperties(io, '/data-1') ?? {};
    assert.deepEqual(notes?.directories, { [directoryId]: '/data-1' });
    assert.ok((notes?.metadataOffset ?? -1) > 0);
  }));

test('a member joins also if its disk does not say which file its note is', () =>
  simulate(async (whole) => {
    const disk = new Proxy(whole.disk, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === 'identity') return () => new Promise(() => {});
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const cluster = await TestCluster.open({ ...whole, disk });
    await cluster.start(1);
    await cluster.stop();
    assert.deepEqual(cluster.failures, []);
  }));

test('a member whose first log directory fails goes on with the other', () =>
  simulate(async (whole) => {
    const broken = breakableDisk(whole.disk, '/data-1');
    const cluster = await TestCluster.open({ ...whole, disk: broken.disk });
    await cluster.start(1, { 'log.dirs': '/data-1,/more-1', 'log.flush.interval.messages': '1' });
    const client = await cluster.connect(1);
    const create = async (name: string): Promise<void> => {
      const topic = { name, numPartitions: 4, replicationFactor: 1, assignments: [], configs: [] };
      const { topics } = await client.request(createTopics, { topics: [topic] });
      assert.equal(topics[0]?.errorCode, 0);
    };
    const leaders = async (name: string): Promise<number[]> => {
      await whole.clock.sleep(2_000);
      const { topics } = await client.request(metadata, { topics: [{ name }] });
      return (topics[0]?.partitions ?? []).map(({ leaderId }) => leaderId).sort();
    };
    await create('before');
    assert.deepEqual(await leaders('before'), [1, 1, 1, 1]);
    broken.break();
    await whole.clock.sleep(60_000);
    assert.deepEqual(await leaders('before'), [-1, -1, 1, 1]);
    await create('after');
    assert.deepEqual(await leaders('after'), [1, 1, 1, 1]);
    client.close();
    assert.deepEqual(cluster.failures, []);
    await cluster.stop();
    await cluster.start(1, { 'log.dirs': '/data-1,/more-1' });
    const again = await cluster.connect(1);
    const { topics } = await again.request(metadata, { topics: [{ name: 'after' }] });
    assert.equal(topics[0]?.partitions.length, 4, 'it starts without it as well');
    again.close();
    await cluster.stop();
    assert.deepEqual(cluster.failures, []);
  }));

test('a listener that names no host is known by the name of its machine, as in Kafka', () =>
  withCluster(async (io, cluster) => {
    const listeners = `PLAINTEXT://:${TestCluster.portOf(1)}`;
    await Promise.all([cluster.start(1, { listeners }), cluster.start(2), cluster.start(3)]);
    const client = await cluster.connect(2);
    const { brokers } = await client.request(metadata, { topics: [] });
    client.close();
    const first = brokers.find(({ nodeId }) => nodeId === 1);
    assert.equal(first?.host, await io.network.hostName());
  }));

test('whichever broker is asked to, a topic is made on all of them', () =>
  withCluster(async (_, cluster) => {
    await cluster.startAll([1, 2, 3]);
    for (const nodeId of [1, 2, 3]) {
      const client = await cluster.connect(nodeId);
      const wanted = { assignments: [], configs: [] };
      const { topics } = await client.request(createTopics, {
        topics: [{ name: `t${nodeId}`, numPartitions: 3, replicationFactor: 3, ...wanted }],
      });
      assert.equal(topics[0]?.errorCode, 0, topics[0]?.errorMessage ?? '');
      client.close();
    }
  }));

test('what one leads the others fetch, and it is committed when the in-sync replicas have it', () =>
  withCluster(async (io, cluster) => {
    await cluster.startAll([1, 2, 3]);
    const client = await cluster.connect(1);
    const wanted = { assignments: [], configs: [{ name: 'min.insync.replicas', value: '3' }] };
    await client.request(createTopics, {
      topics: [{ name: 't', numPartitions: 1, replicationFactor: 3, ...wanted }],
    });
    await io.clock.sleep(500);
    const { topics } = await client.request(metadata, { topics: [{ name: 't' }] });
    const leader = await cluster.connect(topics[0]?.partitions[0]?.leaderId ?? -1);
    const records = encodeBatch({ records: [{ value: Buffer.from('a'), timestamp: 0 }] });
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
    const request = { acks: -1, timeoutMs: 5000, topicData };
    const answer = await leader.request(produce, request, { versionMax: 12 });
    assert.equal(answer.responses[0]?.partitionResponses[0]?.errorCode, 0);
    const copies = [1, 2, 3].map((id) => {
      return io.disk.readFile(`/data-${id}/t-0/00000000000000000000.log`)?.toString('hex');
    });
    assert.ok((copies[0]?.length ?? 0) > 0);
    assert.deepEqual(copies, [copies[0], copies[0], copies[0]]);
    leader.close();
    client.close();
  }));

/** Partitions of the topic by leader, as broker `at` knows them. */
async function leadersOf(cluster: TestCluster, at: number, topic: string): Promise<number[]> {
  const client = await cluster.connect(at);
  const { topics } = await client.request(metadata, { topics: [{ name: topic }] });
  client.close();
  return topics[0]?.partitions.map(({ leaderId }) => leaderId) ?? [];
}

async function makeTopic(cluster: TestCluster, name: string, partitions: number): Promise<void> {
  const client = await cluster.connect(1);
  const { topics } = await client.request(createTopics, {
    topics: [
      { name, numPartitions: partitions, replicationFactor: 3, assignments: [], configs: [] },
    ],
  });
  assert.equal(topics[0]?.errorCode, 0, topics[0]?.errorMessage ?? '');
  client.close();
}

test('a broker that stops hands over what it leads before it goes', () =>
  withCluster(async (io, cluster) => {
    await cluster.startAll([1, 2, 3]);
    await makeTopic(cluster, 't', 6);
    await io.clock.sleep(2000);
    const before = await leadersOf(cluster, 2, 't');
    assert.ok(before.includes(1));
    const member = cluster.members.get(1);
    const stopped = member?.broker.stop();
    // It goes on serving until the others have heard who leads now.
    await io.clock.sleep(300);
    const during = await leadersOf(cluster, 1, 't');
    assert.ok(!during.includes(1) && !during.includes(-1), String(during));
    await stopped;
    assert.deepEqual(await leadersOf(cluster, 2, 't'), during);
    cluster.members.delete(1);
    // It comes back with whole logs, in every in-sync set again.
    await cluster.start(1);
    await io.clock.sleep(2000);
    const client = await cluster.connect(3);
    const { topics } = await client.request(metadata, { topics: [{ name: 't' }] });
    for (const { isrNodes } of topics[0]?.partitions ?? []) assert.equal(isrNodes.length, 3);
    client.close();
  }));

test('brokers that all stop end within 5 s, and within 10 s without the store', async () => {
  for (const isStoreThere of [true, false]) {
    await withCluster(async (io, cluster) => {
      await cluster.startAll([1, 2, 3]);
      await makeTopic(cluster, 't', 6);
      await io.clock.sleep(2000);
      if (!isStoreThere) for (const { store } of cluster.members.values()) store.cut();
      const beganMs = io.clock.monotonic();
      await Promise.all(Array.from(cluster.members.values(), ({ broker }) => broker.stop()));
      assert.ok(io.clock.monotonic() - beganMs < (isStoreThere ? 5_000 : 10_000));
      for (const id of [1, 2, 3]) {
        assert.ok(io.disk.readFile(`/data-${id}/.kafka_cleanshutdown`) !== null);
      }
    });
  }
});

test('a living broker may be unregistered, by itself too, and registers again', () =>
  withCluster(async (io, cluster) => {
    await cluster.startAll([1, 2, 3]);
    await makeTopic(cluster, 't', 3);
    await io.clock.sleep(1000);
    for (const nodeId of [1, 2, 3]) {
      const before = (await cluster.image()).brokers.get(nodeId)?.epoch ?? -1;
      const client = await cluster.connect(nodeId);
      const { errorCode } = await client.request(unregisterBroker, { brokerId: nodeId });
      assert.equal(errorName(errorCode), 'NONE');
      client.close();
      await io.clock.sleep(4000);
      const image = await cluster.image();
      assert.ok((image.brokers.get(nodeId)?.epoch ?? -1) > before);
      for (const { isr } of image.topic('t')?.partitions ?? []) assert.equal(isr.length, 3);
    }
  }));

test('a broker that cannot tell that it lives says so once in half a minute', () =>
  simulate(async (simulated) => {
    const lines: string[] = [];
    const note = (line: string): void => void lines.push(line);
    const log: Log = { debug() {}, info() {}, warn: note, error: note, child: () => log };
    const cluster = await TestCluster.open({ ...simulated, log });
    const { store } = await cluster.start(1);
    const { register } = store;
    store.register = () => Promise.reject(new KafkaError('KAFKA_STORAGE_ERROR', 'planted'));
    await cluster.server.expire(1);
    await simulated.clock.sleep(85_000);
    const count = lines.filter((line) => line.includes('could not tell the cluster')).length;
    assert.equal(count, 3, lines.join());
    store.register = register;
    await cluster.stop();
  }));

test('a session that ends under a living broker is renewed, and no in-sync set shrinks', () =>
  withCluster(async (io, cluster) => {
    await cluster.startAll([1, 2, 3]);
    await makeTopic(cluster, 't', 6);
    await io.clock.sleep(2000);
    const before = await cluster.image();
    for (const id of [1, 2, 3]) await cluster.server.expire(id);
    await io.clock.sleep(3000);
    const client = await cluster.connect(3);
    const { topics } = await client.request(metadata, { topics: [{ name: 't' }] });
    for (const { isrNodes, leaderId } of topics[0]?.partitions ?? []) {
      assert.equal(isrNodes.length, 3);
      assert.ok(leaderId > 0);
    }
    client.close();
    for (const { id, epoch } of (await cluster.image()).brokers.values()) {
      assert.ok(epoch > (before.brokers.get(id)?.epoch ?? -1));
    }
  }));

test('the controller knows which directory has each replica, and which directories failed', () =>
  withCluster(async (io, cluster) => {
    const config = { 'log.dirs': '/data-1,/other-1' };
    await Promise.all([cluster.start(1, config), cluster.start(2), cluster.start(3)]);
    await makeTopic(cluster, 't', 6);
    await io.clock.sleep(1000);
    const directoriesOf1 = async (): Promise<Set<string | undefined>> => {
      const partitions = (await cluster.image()).topic('t')?.partitions ?? [];
      return new Set(
        partitions.map(({ replicas, directories }) => directories[replicas.indexOf(1)]),
      );
    };
    const registered = (await cluster.image()).brokers.get(1)?.logDirs ?? [];
    assert.equal(registered.length, 2);
    assert.deepEqual(await directoriesOf1(), new Set(registered));
    await io.disk.remove('/other-1');
    await io.clock.sleep(60_000);
    const image = await cluster.image();
    const [left = ''] = image.brokers.get(1)?.logDirs ?? [];
    assert.deepEqual(image.brokers.get(1)?.logDirs, [left]);
    for (const { replicas, directories, isr, leader } of image.topic('t')?.partitions ?? []) {
      assert.ok(leader > 0);
      assert.equal(isr.includes(1), directories[replicas.indexOf(1)] === left);
    }
  }));

test('a cluster has no coordinators before it has the brokers that their topics are made for', () =>
  withCluster(async (io, cluster) => {
    const config = { 'offsets.topic.num.partitions': '3' };
    await Promise.all([cluster.start(1, config), cluster.start(2, config)]);
    const client = await cluster.connect(1);
    const find = async (): Promise<string> => {
      const answer = await client.request(findCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
      return errorName(answer.coordinators[0]?.errorCode ?? -1);
    };
    assert.equal(await find(), 'COORDINATOR_NOT_AVAILABLE');
    assert.equal((await cluster.image()).topic('__consumer_offsets'), undefined);
    await cluster.start(3, config);
    for (let i = 0; i < 20 && (await find()) !== 'NONE'; i++) await io.clock.sleep(100);
    assert.equal(await find(), 'NONE');
    const { partitions = [] } = (await cluster.image()).topic('__consumer_offsets') ?? {};
    assert.ok(partitions.every(({ replicas }) => replicas.length === 3));
    client.close();
  }));

test('a broker says once that its view of the metadata is old, and when it is not any more', () =>
  simulate(async (io) => {
    const said: string[] = [];
    const note = (message: string): void => {
      if (/known to be the newest/.test(message)) said.push(message);
    };
    const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
    const { clock, network, disk, random } = io;
    const cluster = await TestCluster.open({ clock, network, disk, random, log });
    const { store } = await cluster.start(1);
    store.cut();
    await clock.sleep(9000);
    assert.deepEqual(said, []);
    await clock.sleep(60_000);
    assert.deepEqual(said, ['the metadata are no longer known to be the newest']);
    await cluster.server.heal(store);
    await clock.sleep(10_000);
    assert.deepEqual(said.slice(1), ['the metadata are known to be the newest again']);
    await cluster.stop();
    assert.deepEqual(cluster.failures, []);
  }));
