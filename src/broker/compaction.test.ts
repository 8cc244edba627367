// Compaction as clients and coordinators meet it: topics that keep the last value of each key, and
// the internal topics, from which a coordinator starts after they were compacted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import {
  port,
  startBroker,
  type TestBroker,
  withBroker,
} from '../../tests/doubles/broker/brokers.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import type { Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import {
  alterReplicaLogDirs,
  batchHeaders,
  createTopics,
  decodeRecords,
  deleteTopics,
  encodeBatch,
  fetch,
  findCoordinator,
  incrementalAlterConfigs,
  offsetCommit,
  offsetFetch,
} from '../protocol/index.ts';

const config = {
  'log.cleaner.backoff.ms': '100',
  'log.cleaner.min.cleanable.ratio': '0.1',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.segment.bytes': '1048576',
  'group.initial.rebalance.delay.ms': '0',
};

const connect = (io: Io) => ClientConnection.connect(io, { host: 'host', port, clientId: 'c' });

async function alter(
  client: ClientConnection,
  type: number,
  name: string,
  entry: [string, string],
) {
  const configs = [{ name: entry[0], configOperation: 0, value: entry[1] }];
  const resources = [{ resourceType: type, resourceName: name, configs }];
  const answer = await client.request(incrementalAlterConfigs, { resources, validateOnly: false });
  assert.equal(answer.responses[0]?.errorCode, 0, answer.responses[0]?.errorMessage ?? '');
}

/** `offset:key=value` of what a consumer sees from the beginning. */
async function consume({ client }: Pick<TestBroker, 'client'>, topic: string): Promise<string[]> {
  const seen: string[] = [];
  for (let offset = 0; ; ) {
    const partition = { partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20 };
    const topics = [{ topic, partitions: [partition] }];
    const answer = await client.request(
      fetch,
      { maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20, topics },
      { versionMax: 12 },
    );
    const records = answer.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0);
    if (records.length === 0) return seen;
    for (const header of batchHeaders(records)) {
      for (const record of decodeRecords(records, header)) {
        seen.push(`${record.offset}:${record.key}=${record.value}`);
      }
      offset = header.lastOffset + 1;
    }
  }
}

async function putAll({ io, produce }: TestBroker, topic: string, keys: string): Promise<void> {
  for (const [at, key] of [...keys].entries()) {
    const value = Buffer.from(`${at}`.padEnd(40_000, '.'));
    const records = [{ key: Buffer.from(key), value, timestamp: io.clock.now() }];
    const answer = await produce(topic, [], { records: encodeBatch({ records }) });
    assert.equal(answer.errorCode, 0);
  }
}

test('a consumer from the beginning gets the last value of each key', () =>
  withBroker(
    async (at) => {
      const configs = { 'cleanup.policy': 'compact', 'segment.bytes': '1048576' };
      await at.createTopic('t', { configs });
      await putAll(at, 't', 'ab'.repeat(30));
      await at.io.clock.sleep(1000);
      const seen = await consume(at, 't');
      assert.ok(seen.length < 40, `${seen.length} records`);
      assert.ok(seen.at(-2)?.startsWith('58:a=58') && seen.at(-1)?.startsWith('59:b=59'));
    },
    { config },
  ));

test('the cleaner rests while log.cleaner.threads is 0, and a topic may become compacted', () =>
  withBroker(
    async (at) => {
      await at.createTopic('t', { configs: { 'segment.bytes': '1048576' } });
      await putAll(at, 't', 'ab'.repeat(30));
      await alter(at.client, 4, '', ['log.cleaner.threads', '0']);
      await alter(at.client, 2, 't', ['cleanup.policy', 'compact']);
      await at.io.clock.sleep(1000);
      assert.equal((await consume(at, 't')).length, 60);
      await alter(at.client, 4, '', ['log.cleaner.threads', '1']);
      await at.io.clock.sleep(1000);
      assert.ok((await consume(at, 't')).length < 40);
    },
    { config },
  ));

test('a partition moves to another directory, or goes, while it is cleaned', () =>
  withBroker(
    async (at) => {
      const configs = { 'cleanup.policy': 'compact', 'segment.bytes': '1048576' };
      for (const name of ['t', 'u']) {
        await at.createTopic(name, { configs });
        await putAll(at, name, 'ab'.repeat(30));
      }
      // Each takes some seconds, so that the first is under way.
      await at.io.clock.sleep(500);
      for (const path of ['/one', '/two']) {
        const dirs = [{ path, topics: [{ name: 't', partitions: [0] }] }];
        await at.client.request(alterReplicaLogDirs, { dirs });
        await at.io.clock.sleep(1500);
      }
      await at.client.request(deleteTopics, {
        topics: [{ name: 'u', topicId: ZERO_UUID }],
        topicNames: [],
        timeoutMs: 1000,
      });
      await alter(at.client, 4, '', ['log.cleaner.io.max.bytes.per.second', '1e300']);
      await at.io.clock.sleep(2000);
      const seen = await consume(at, 't');
      assert.ok(seen.length < 40, `${seen.length} records`);
      assert.ok(seen.at(-2)?.startsWith('58:a=58') && seen.at(-1)?.startsWith('59:b=59'));
      const checkpoints = ['/one', '/two'].map((path) =>
        at.io.disk.readFile(`${path}/cleaner-offset-checkpoint`)?.toString(),
      );
      assert.match(checkpoints.join(), /\nt 0 \d+\n/);
    },
    {
      config: {
        ...config,
        'log.dirs': '/one,/two',
        'log.cleaner.io.max.bytes.per.second': '1000000',
      },
    },
  ));

test('without log.cleaner.enable nothing is compacted', () =>
  withBroker(
    async (at) => {
      const configs = { 'cleanup.policy': 'compact', 'segment.bytes': '1048576' };
      await at.createTopic('t', { configs });
      await putAll(at, 't', 'ab'.repeat(30));
      await at.io.clock.sleep(60_000);
      assert.equal((await consume(at, 't')).length, 60);
    },
    { config: { ...config, 'log.cleaner.enable': 'false' } },
  ));

test('groups find their offsets in an offsets topic that was compacted', () =>
  simulate(async (io) => {
    let broker = await startBroker(io, config);
    let client = await connect(io);
    const topic = {
      name: 't',
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    };
    await client.request(createTopics, { topics: [topic] });
    await client.request(findCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const commit = async (groupId: string, offset: number): Promise<void> => {
      const partitions = [
        { partitionIndex: 0, committedOffset: offset, committedMetadata: 'x'.repeat(4000) },
      ];
      const topics = [{ name: 't', partitions }];
      for (;;) {
        const answer = await client.request(offsetCommit, { groupId, topics }, { versionMax: 9 });
        const { errorCode } = answer.topics[0]?.partitions[0] ?? { errorCode: -1 };
        if (errorCode === 0) return;
        // The coordinator is still loading.
        assert.ok([14, 15, 16].includes(errorCode), `error ${errorCode}`);
        await io.clock.sleep(20);
      }
    };
    const committed = async (groupId: string): Promise<number | undefined> => {
      await commit('loaded', 1);
      const groups = [{ groupId, topics: null }];
      const answer = await client.request(offsetFetch, { groups }, { versionMax: 9 });
      return answer.groups[0]?.topics[0]?.partitions[0]?.committedOffset;
    };
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 600; i++) await commit(i % 50 > 0 ? 'g' : `once-${round}-${i}`, i);
      await io.clock.sleep(2000);
      const records = await consume({ client }, '__consumer_offsets');
      assert.ok(records.length < 400, `${records.length} records are left`);
      client.close();
      await broker.stop();
      broker = await startBroker(io, config);
      client = await connect(io);
      await client.request(findCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
      assert.equal(await committed('g'), 599);
      for (let before = 0; before <= round; before++) {
        assert.equal(await committed(`once-${before}-50`), 50);
      }
    }
    client.close();
    await broker.stop();
  }));
