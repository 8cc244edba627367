// The partitions of a broker following the metadata image, and what the clock does to them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate, World } from '../../sim/index.ts';
import { logOf } from '../../tests/doubles/replication/logs.ts';
import { loadBrokerConfig } from '../config/index.ts';
import { type Io, IoError } from '../io/index.ts';
import { type Metadata, openLocalMetadata, ResourceType } from '../metadata/index.ts';
import { encodeBatch } from '../protocol/index.ts';
import { defaultLogConfig, LogDirectory, LogResources } from '../storage/index.ts';
import { Replicas } from './replicas.ts';
import { Upkeep } from './upkeep.ts';

const nodeId = 1;

interface Parts {
  readonly metadata: Metadata;
  readonly directory: LogDirectory;
  readonly replicas: Replicas;
  readonly failures: Error[];
  readonly close: () => Promise<void>;
}

async function open(io: Io, incarnationId: string | null = null): Promise<Parts> {
  const resources = new LogResources(io);
  const failures: Error[] = [];
  let replicas: Replicas | null = null;
  const directory = await LogDirectory.open(io, {
    path: '/data',
    nodeId,
    clusterId: null,
    resources,
    onFailure: (failed, error) => replicas?.onDirectoryFailure(failed, error),
  });
  const { config } = loadBrokerConfig();
  const { clusterId } = directory.meta;
  const options = { directory: '/metadata', clusterId, nodeId, config, resources };
  const metadata = await openLocalMetadata(io, options);
  replicas = await Replicas.open(
    io,
    {
      ...{ nodeId, incarnationId },
      directories: [directory],
      history: metadata.history,
      logConfigOf: (overrides) => ({
        ...defaultLogConfig,
        retentionMs: Number(overrides.get('retention.ms') ?? 604_800_000),
        segmentMs: Number(overrides.get('segment.ms') ?? 604_800_000),
      }),
      onFatal: (error) => failures.push(error),
    },
    metadata.image(),
  );
  const opened = replicas;
  metadata.subscribe((image, changes) => opened.onImage(image, changes));
  await metadata.controller.registerBroker({
    brokerId: nodeId,
    clusterId,
    incarnationId: 'AAAAAAAAAAAAAAAAAAAABQ',
    listeners: [],
    fenced: false,
    wasCleanShutdown: directory.wasCleanShutdown,
  });
  const close = async (): Promise<void> => {
    await opened.close();
    await metadata.close();
    await directory.close();
  };
  return { metadata, directory, replicas, failures, close };
}

async function create({ metadata, replicas }: Parts, name: string, partitionCount = 1) {
  const topics = [{ name, partitionCount, replicationFactor: 1 }];
  const [result] = await metadata.controller.createTopics({ topics });
  assert.equal(result?.error, null);
  await replicas.settled();
  return result?.topicId ?? '';
}

function batch(io: Io): Buffer {
  return encodeBatch({ records: [{ value: Buffer.from('x'), timestamp: io.clock.now() }] });
}

test('new topics and new partitions appear as leaders, by name and by id', async () => {
  await simulate(async (io) => {
    const parts = await open(io);
    const topicId = await create(parts, 't', 2);
    const { replicas, metadata } = parts;
    assert.equal(replicas.get('t', 1)?.isLeader, true);
    assert.equal(replicas.getById(topicId, 1), replicas.get('t', 1));
    assert.equal(replicas.get('t', 2), undefined);
    await metadata.controller.createPartitions({ topics: [{ name: 't', count: 3 }] });
    await replicas.settled();
    assert.equal(replicas.get('t', 2)?.isLeader, true);
    assert.equal(replicas.image.topic('t')?.partitions.length, 3);
    await parts.close();
  });
});

test('a deleted topic is gone, and so is its folder after its delay', async () => {
  await simulate(async (io) => {
    const parts = await open(io);
    await create(parts, 't');
    const partition = parts.replicas.get('t', 0);
    await parts.metadata.controller.deleteTopics({ topics: [{ name: 't' }] });
    await parts.replicas.settled();
    assert.equal(parts.replicas.get('t', 0), undefined);
    assert.throws(() => partition?.assertLeader());
    const folders = () => io.disk.list('/data').filter(({ name }) => name.startsWith('t-0'));
    assert.match(folders()[0]?.name ?? '', /-delete$/);
    await io.clock.sleep(61_000);
    assert.deepEqual(folders(), []);
    await create(parts, 't');
    assert.equal(parts.replicas.get('t', 0)?.logEndOffset, 0);
    await parts.close();
  });
});

test('a change of configuration reaches the logs of its topic', async () => {
  await simulate(async (io) => {
    const parts = await open(io);
    await create(parts, 't', 2);
    await create(parts, 'other');
    await parts.metadata.controller.incrementalAlterConfigs({
      resources: [
        {
          type: ResourceType.TOPIC,
          name: 't',
          ops: [{ name: 'retention.ms', op: 0, value: '77' }],
        },
      ],
    });
    await parts.replicas.settled();
    assert.equal(parts.replicas.get('t', 1)?.logView.config.retentionMs, 77);
    assert.equal(parts.replicas.get('other', 0)?.logView.config.retentionMs, 604_800_000);
    await parts.close();
  });
});

function write(io: Io, path: string, text: string): void {
  const file = io.disk.open(path, 'create');
  file.truncate(0);
  file.write([Buffer.from(text)], 0);
  file.close();
}

const foldersIn = (io: Io): string[] =>
  io.disk
    .list('/data')
    .filter(({ name, isDirectory }) => isDirectory && !name.startsWith('__'))
    .map(({ name }) => name.replace(/\.[0-9a-f]{32}-/, ' '))
    .sort();

const metadataOf = (topicId: string) => `version: 0\ntopic_id: ${topicId}`;
const otherId = 'ZZZZZZZZZZZZZZZZZZZZZQ';

test('a restart finds the partitions, and sets aside what is not proven deleted', async () => {
  await simulate(async (io) => {
    const first = await open(io);
    const id = await create(first, 't');
    first.replicas.get('t', 0)?.appendAsLeader(batch(io));
    await first.close();
    const strangers = {
      'never-known-0': otherId,
      // Of the topic, but not its partition, or not its name.
      't-1': id,
      'renamed-0': id,
    };
    for (const [name, topicId] of Object.entries(strangers)) {
      io.disk.makeDirectory(`/data/${name}`);
      write(io, `/data/${name}/partition.metadata`, metadataOf(topicId));
    }
    io.disk.makeDirectory('/data/holiday-2024');
    write(io, '/data/holiday-2024/photo.jpg', 'x');
    io.disk.makeDirectory('/data/never-written-0');
    const second = await open(io);
    assert.equal(second.replicas.get('t', 0)?.logEndOffset, 1);
    assert.equal(second.replicas.get('never-known', 0), undefined);
    await second.close();
    assert.deepEqual(foldersIn(io), [
      'holiday-2024 stray',
      'never-known-0 stray',
      'never-written-0 delete',
      'renamed-0 stray',
      't-0',
      't-1 stray',
    ]);
  });
});

test('a log of another topic of that name makes way for the new one, and is kept', async () => {
  await simulate(async (io) => {
    const first = await open(io);
    await create(first, 't');
    first.replicas.get('t', 0)?.appendAsLeader(batch(io));
    await first.close();
    write(io, '/data/t-0/partition.metadata', metadataOf(otherId));
    const second = await open(io);
    assert.equal(second.replicas.get('t', 0)?.logEndOffset, 0);
    // And one that appears while the broker runs.
    io.disk.makeDirectory('/data/u-0');
    write(io, '/data/u-0/00000000000000000000.log', 'x');
    await create(second, 'u');
    assert.equal(second.replicas.get('u', 0)?.logEndOffset, 0);
    await second.close();
    assert.deepEqual(foldersIn(io), ['t-0', 't-0 stray', 'u-0', 'u-0 stray']);
  });
});

/** Puts the folder of a topic back that was deleted, as if it had been on a disk that was away. */
async function deleteAndBringBack(io: Io, whileDeleted: (parts: Parts) => Promise<void>) {
  const first = await open(io);
  await create(first, 't');
  first.replicas.get('t', 0)?.appendAsLeader(batch(io));
  const { directory } = first;
  await first.replicas.writeNotes(directory);
  await first.close();
  const kept = ['directory-notes', 't-0/partition.metadata', 't-0/00000000000000000000.log'];
  const files = kept.map((name) => [name, `${io.disk.readFile(`/data/${name}`)}`] as const);
  const second = await open(io);
  await second.metadata.controller.deleteTopics({ topics: [{ name: 't' }] });
  await second.replicas.settled();
  await whileDeleted(second);
  await second.close();
  await io.clock.sleep(100_000);
  for (const { name } of io.disk.list('/data')) {
    if (name.endsWith('-delete')) await io.disk.remove(`/data/${name}`);
  }
  io.disk.makeDirectory('/data/t-0');
  return () => {
    for (const [name, text] of files) write(io, `/data/${name}`, text);
  };
}

test('a topic whose deletion is in the metadata log is deleted without notes', async () => {
  await simulate(async (io) => {
    const bringBack = await deleteAndBringBack(io, async () => {});
    bringBack();
    await io.disk.remove('/data/directory-notes');
    await (await open(io)).close();
    assert.deepEqual(foldersIn(io), ['t-0 delete']);
  });
});

for (const proof of ['noted', 'noted in another history', 'not noted'] as const) {
  const isDeleted = proof === 'noted';
  test(`a topic that is absent and was ${proof} is ${isDeleted ? 'deleted' : 'kept'}`, async () => {
    await simulate(async (io) => {
      const bringBack = await deleteAndBringBack(io, async ({ metadata }) => {
        await metadata.controller.createTopics({ topics: [{ name: 'other' }] });
        await metadata.saveSnapshot();
        if (proof === 'noted in another history') await metadata.history.beginAnew(0);
      });
      // The log no longer tells of the deletion.
      await io.disk.remove('/metadata/__cluster_metadata-0/00000000000000000000.log');
      bringBack();
      if (proof === 'not noted') await io.disk.remove('/data/directory-notes');
      const opened = await open(io);
      await opened.close();
      assert.deepEqual(foldersIn(io), ['other-0', isDeleted ? 't-0 delete' : 't-0 stray']);
    });
  });
}

for (const [how, content] of [
  ['missing', null],
  ['torn', 'version: 0\ntopic_'],
] as const) {
  test(`a log whose partition.metadata is ${how} is kept, and gets one`, async () => {
    await simulate(async (io) => {
      const first = await open(io);
      const id = await create(first, 't');
      first.replicas.get('t', 0)?.appendAsLeader(batch(io));
      await first.close();
      const path = '/data/t-0/partition.metadata';
      await io.disk.remove(path);
      if (content !== null) {
        const file = io.disk.open(path, 'create');
        file.write([Buffer.from(content)], 0);
        file.close();
      }
      const second = await open(io);
      assert.equal(second.replicas.get('t', 0)?.logEndOffset, 1);
      assert.equal(`${io.disk.readFile(path)}`, `version: 0\ntopic_id: ${id}`);
      await second.close();
    });
  });
}

test('a disk that fails takes its partitions offline, and the last one the broker', async () => {
  await simulate(async (io, { world }) => {
    const parts = await open(io);
    await create(parts, 't');
    const partition = parts.replicas.get('t', 0);
    partition?.appendAsLeader(batch(io));
    world.faults = { ...world.faults, disk: { ...world.faults.disk, syncFailChance: 1 } };
    await assert.rejects((async () => partition && logOf(partition).flush())());
    assert.throws(() => partition?.assertLeader(), { errorName: 'KAFKA_STORAGE_ERROR' });
    assert.equal(parts.failures.length, 1);
    assert.equal(parts.replicas.isFailed(parts.directory), true);
  });
});

test('retention and checkpoints run by the clock and stop when told', async () => {
  await simulate(async (io) => {
    const parts = await open(io);
    const topics = [
      {
        name: 't',
        configs: [
          { name: 'retention.ms', value: '1000' },
          { name: 'segment.ms', value: '1000' },
        ],
      },
    ];
    await parts.metadata.controller.createTopics({ topics });
    await parts.replicas.settled();
    const partition = parts.replicas.get('t', 0);
    for (let i = 0; i < 3; i++) {
      partition?.appendAsLeader(batch(io));
      await io.clock.sleep(2000);
    }
    const upkeep = new Upkeep(io, parts.replicas, {
      directories: [parts.directory],
      retentionCheckMs: 10_000,
      flushCheckMs: 1000,
      highWatermarkCheckpointMs: 5000,
      offsetCheckpointMs: 60_000,
      initialDelayMs: 30_000,
      onBug: neverCalled,
    });
    upkeep.start();
    await io.clock.sleep(4000);
    assert.equal(partition?.logStartOffset, 0);
    await io.clock.sleep(7000);
    assert.equal(partition?.logStartOffset, 3);
    const checkpoint = io.disk.readFile('/data/replication-offset-checkpoint')?.toString();
    assert.match(checkpoint ?? '', /t 0 3/);
    await upkeep.stop();
    partition?.appendAsLeader(batch(io));
    await io.clock.sleep(60_000);
    assert.equal(partition?.logStartOffset, 3);
    await parts.close();
  });
});

test('a partition for which there was no descriptor is made when there are some', async () => {
  const lines: string[] = [];
  const world = new World({ onLog: (_, { level, message }) => lines.push(`${level} ${message}`) });
  const process = world.startProcess('host', async (io) => {
    const parts = await open(io);
    await create(parts, 'before');
    process.disk.filesOpenMax = process.disk.filesOpenCount;
    await create(parts, 't', 3);
    assert.equal(parts.replicas.get('t', 0), undefined);
    await io.clock.sleep(5_000);
    process.disk.filesOpenMax = Number.POSITIVE_INFINITY;
    const folders = io.disk.list('/data').filter(({ name }) => name.startsWith('t-'));
    assert.deepEqual(folders, []);
    await io.clock.sleep(10_000);
    for (const index of [0, 1, 2]) {
      assert.equal(parts.replicas.get('t', index)?.appendAsLeader(batch(io)).baseOffset, 0);
    }
    assert.deepEqual(parts.failures, []);
    await parts.close();
  });
  await world.run(() => process.hasReturned);
  const told = lines.filter((line) => /create|made/.test(line));
  assert.equal(told.length, 2, told.join('\n'));
  assert.match(told[0] as string, /^error cannot create t-\d in \/data \(and 2 other .*ulimit -n/);
  assert.match(told[1] as string, /^warn every partition that could not be made is there now/);
});

describe('upkeep', () => {
  const intervals = {
    retentionCheckMs: 10_000,
    flushCheckMs: 1000,
    highWatermarkCheckpointMs: 5000,
    offsetCheckpointMs: 60_000,
    initialDelayMs: 30_000,
  };

  async function retained(
    io: Io,
    failure: Error,
  ): Promise<{ starts: (number | undefined)[]; bugs: Error[] }> {
    const parts = await open(io);
    const configs = [{ name: 'retention.ms', value: '1000' }];
    const topics = ['a', 'b', 'c'].map((name) => ({ name, configs }));
    await parts.metadata.controller.createTopics({ topics });
    await parts.replicas.settled();
    const partitions = topics.map(({ name }) => parts.replicas.get(name, 0));
    for (const partition of partitions) partition?.appendAsLeader(batch(io));
    const [bad] = parts.replicas.all();
    const refused = { applyRetention: () => Promise.reject(failure) };
    if (bad !== undefined) Object.defineProperty(bad, 'upkeep', { value: refused });
    const bugs: Error[] = [];
    const upkeep = new Upkeep(io, parts.replicas, {
      directories: [parts.directory],
      ...intervals,
      onBug: (error) => bugs.push(error),
    });
    upkeep.start();
    await io.clock.sleep(50_000);
    await upkeep.stop();
    const others = partitions.filter((partition) => partition !== bad);
    const starts = others.map((partition) => partition?.logStartOffset);
    await parts.close();
    return { starts, bugs };
  }

  test('a partition whose disk fails does not keep the others from being retained', () =>
    simulate(async (io) => {
      const { starts, bugs } = await retained(io, new IoError('EIO', 'planted'));
      assert.deepEqual(starts, [1, 1]);
      assert.deepEqual(bugs, []);
    }));

  test('a broken invariant ends the broker', () =>
    simulate(async (io) => {
      const planted = new TypeError('planted');
      const { bugs } = await retained(io, planted);
      assert.deepEqual(bugs, [planted]);
    }));
});

function neverCalled(error: Error): void {
  throw error;
}

test('a broker of several leads by no image that knows only a life of it before', () =>
  simulate(async (io) => {
    const first = await open(io, 'AAAAAAAAAAAAAAAAAAAABQ');
    await create(first, 't');
    assert.equal(first.replicas.get('t', 0)?.isLeader, true);
    await first.close();
    // It is led by broker 1, says the image, but what the life before had may be lost.
    const second = await open(io, 'AAAAAAAAAAAAAAAAAAAACQ');
    assert.equal(second.metadata.image().partition('t', 0)?.leader, nodeId);
    assert.equal(second.replicas.get('t', 0)?.isLeader, false);
    await second.close();
  }));
