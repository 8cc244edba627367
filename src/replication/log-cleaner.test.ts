// Which log is cleaned, when, and what becomes of one that cannot be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, simulate } from '../../sim/index.ts';
import { logOf } from '../../tests/doubles/replication/logs.ts';
import { loadBrokerConfig } from '../config/index.ts';
import type { Io, Log, LogFields } from '../io/index.ts';
import { openLocalMetadata } from '../metadata/index.ts';
import {
  batchHeaders,
  crc32c,
  decodeRecords,
  encodeBatch,
  setBaseOffset,
} from '../protocol/index.ts';
import { defaultLogConfig, LogDirectory, LogResources } from '../storage/index.ts';
import { LogCleaner, type LogCleanerSettings } from './log-cleaner.ts';
import type { Partition } from './partition.ts';
import { Replicas } from './replicas.ts';

const nodeId = 1;

type CleanupPolicy = ('compact' | 'delete')[];

interface Parts {
  readonly replicas: Replicas;
  readonly directory: LogDirectory;
  readonly cleaner: LogCleaner;
  readonly settings: { -readonly [key in keyof LogCleanerSettings]: LogCleanerSettings[key] };
  readonly create: (name: string, configs?: Record<string, string>) => Promise<Partition>;
  readonly close: () => Promise<void>;
}

async function open(io: Io): Promise<Parts> {
  const resources = new LogResources(io, { tailCacheBytesMax: 0 });
  const settings = {
    threads: 1,
    backoffMs: 1000,
    dedupeBufferBytes: 1_000_000,
    loadFactor: 0.9,
    ioBufferBytes: 10_000,
    bytesPerSecondMax: Number.MAX_VALUE,
  };
  const directory = await LogDirectory.open(io, {
    path: '/data',
    nodeId,
    clusterId: null,
    resources,
    onFailure: (failed, error) => replicas.onDirectoryFailure(failed, error),
  });
  const { clusterId } = directory.meta;
  const { config } = loadBrokerConfig();
  const shared = { directory: '/metadata', clusterId, nodeId, config, resources };
  const metadata = await openLocalMetadata(io, shared);
  const onFatal = (error: Error): never => {
    throw error;
  };
  const replicas: Replicas = await Replicas.open(
    io,
    {
      nodeId,
      directories: [directory],
      logConfigOf: (overrides) => ({
        ...defaultLogConfig,
        segmentBytesMax: 200,
        cleanupPolicy: (overrides.get('cleanup.policy') ?? 'compact').split(',') as CleanupPolicy,
        retentionMs: Number(overrides.get('retention.ms') ?? 604_800_000),
        minCleanableDirtyRatio: Number(overrides.get('min.cleanable.dirty.ratio') ?? 0.5),
        minCompactionLagMs: Number(overrides.get('min.compaction.lag.ms') ?? 0),
        maxCompactionLagMs: Number(overrides.get('max.compaction.lag.ms') ?? 1e15),
      }),
      onFatal,
    },
    metadata.image(),
  );
  metadata.subscribe((image, changes) => replicas.onImage(image, changes));
  await metadata.controller.registerBroker({
    brokerId: nodeId,
    clusterId,
    incarnationId: 'AAAAAAAAAAAAAAAAAAAABQ',
    listeners: [],
    fenced: false,
    wasCleanShutdown: directory.wasCleanShutdown,
  });
  const cleaner = new LogCleaner(io, replicas, { settings: () => settings, onBug: onFatal });
  const create = async (name: string, configs: Record<string, string> = {}): Promise<Partition> => {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
    const topic = { name, partitionCount: 1, replicationFactor: 1, configs: entries };
    const [result] = await metadata.controller.createTopics({ topics: [topic] });
    assert.equal(result?.error, null);
    await replicas.settled();
    return replicas.get(name, 0) as Partition;
  };
  const close = async (): Promise<void> => {
    await cleaner.stop();
    await replicas.close();
    await metadata.close();
    await directory.close();
  };
  return { replicas, directory, cleaner, settings, create, close };
}

/** Two records fit a segment: all but the last two are open to cleaning. */
function fill(io: Io, partition: Partition, keys: string): void {
  for (const key of keys) {
    const records = [{ key: Buffer.from(key), value: Buffer.from('v'), timestamp: io.clock.now() }];
    partition.appendAsLeader(encodeBatch({ records }));
  }
}

async function keysOf(partition: Partition): Promise<string> {
  const log = logOf(partition);
  let keys = '';
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const upperBound = log.logEndOffset;
    const read = await log.read(offset, 10_000, { upperBound, atLeastOneBatch: true });
    for (const buffer of read.buffers) {
      for (const header of batchHeaders(buffer)) {
        for (const { key } of decodeRecords(buffer, header)) keys += key;
      }
    }
    offset = read.nextOffset;
  }
  return keys;
}

function fillDisk(process: SimProcess, isFull: boolean): void {
  const { files } = process.host;
  files.capacityBytes = isFull ? 2 ** 40 - files.usableBytes : 2 ** 40;
}

test('the log with the largest dirty share is cleaned first, until none needs it', () =>
  simulate(async (io) => {
    const { cleaner, create, close } = await open(io);
    const half = await create('half');
    fill(io, half, 'aabbccdd');
    assert.ok(await cleaner.cleanFilthiest());
    fill(io, half, 'abcdefghijkl');
    const whole = await create('whole');
    fill(io, whole, 'aaaaaaaa');
    const { cleanedTo } = logOf(half);
    assert.ok(await cleaner.cleanFilthiest());
    assert.equal(await keysOf(whole), 'aaa');
    assert.equal(logOf(half).cleanedTo, cleanedTo);
    assert.ok(await cleaner.cleanFilthiest());
    assert.ok((logOf(half).cleanedTo ?? 0) > (cleanedTo ?? 0));
    assert.equal(await cleaner.cleanFilthiest(), false);
    await close();
  }));

test('a log below min.cleanable.dirty.ratio waits, but not beyond max.compaction.lag.ms', () =>
  simulate(async (io) => {
    const { cleaner, create, close } = await open(io);
    const lag = { 'max.compaction.lag.ms': '5000' };
    const partition = await create('t', { 'min.cleanable.dirty.ratio': '1', ...lag });
    fill(io, partition, 'aabbcc');
    assert.equal(await cleaner.cleanFilthiest(), false);
    await io.clock.sleep(5001);
    assert.ok(await cleaner.cleanFilthiest());
    await close();
  }));

test('a segment with a record younger than min.compaction.lag.ms is left alone', () =>
  simulate(async (io) => {
    const { cleaner, create, close } = await open(io);
    const partition = await create('t', { 'min.compaction.lag.ms': '5000' });
    fill(io, partition, 'aaaa');
    await io.clock.sleep(3000);
    fill(io, partition, 'aaaa');
    assert.equal(await cleaner.cleanFilthiest(), false);
    await io.clock.sleep(2001);
    assert.ok(await cleaner.cleanFilthiest());
    assert.equal(logOf(partition).cleanedTo, 4);
    assert.equal(await keysOf(partition), 'aaaaa');
    await close();
  }));

test('a log that is not compacted is never cleaned', () =>
  simulate(async (io) => {
    const { cleaner, create, close } = await open(io);
    fill(io, await create('t', { 'cleanup.policy': 'delete' }), 'aaaaaaaa');
    assert.equal(await cleaner.cleanFilthiest(), false);
    await close();
  }));

test('a log that is compacted and deleted loses old segments by the same rhythm', () =>
  simulate(async (io) => {
    const { cleaner, create, close } = await open(io);
    const both = { 'cleanup.policy': 'compact,delete', 'retention.ms': '5000' };
    const partition = await create('t', both);
    const other = await create('other', { 'cleanup.policy': 'delete', 'retention.ms': '5000' });
    for (const each of [partition, other]) fill(io, each, 'abcdefgh');
    cleaner.start();
    await io.clock.sleep(4500);
    assert.equal(await keysOf(partition), 'abcdefgh');
    await io.clock.sleep(2000);
    assert.equal(await keysOf(partition), '');
    assert.equal(logOf(partition).logStartOffset, 8);
    assert.equal(await keysOf(other), 'abcdefgh');
    await close();
  }));

test('it looks again after the backoff, and not while log.cleaner.threads is 0', () =>
  simulate(async (io) => {
    const { cleaner, settings, create, close } = await open(io);
    const partition = await create('t');
    settings.threads = 0;
    cleaner.start();
    fill(io, partition, 'aaaaaaaa');
    await io.clock.sleep(5000);
    assert.equal(logOf(partition).cleanedTo, null);
    settings.threads = 1;
    await io.clock.sleep(1100);
    assert.equal(await keysOf(partition), 'aaa');
    await close();
  }));

test('a truncation ends a cleaning, and the log is cleaned when it is over', () =>
  simulate(async (io) => {
    const { cleaner, settings, create, close } = await open(io);
    const partition = await create('t');
    fill(io, partition, 'aaaaaaaaaaaaaaaa');
    settings.ioBufferBytes = 200;
    settings.bytesPerSecondMax = 500;
    cleaner.start();
    await io.clock.sleep(1500);
    assert.equal(logOf(partition).cleanedTo, null);
    settings.bytesPerSecondMax = Number.MAX_VALUE;
    await logOf(partition).truncateTo(9);
    await io.clock.sleep(5000);
    assert.equal(logOf(partition).cleanedTo, 8);
    assert.equal(await keysOf(partition), 'aa');
    await close();
  }));

test('a log that is damaged is set aside, and the others are cleaned', () =>
  simulate(async (io) => {
    const { cleaner, create, close } = await open(io);
    const bad = await create('bad');
    const good = await create('good');
    fill(io, bad, 'aaaaaaaaaaaa');
    fill(io, good, 'aabbcc');
    const before = await keysOf(bad);
    const file = io.disk.open('/data/bad-0/00000000000000000000.log', 'write');
    file.write([Buffer.from([1, 2, 3])], 65);
    assert.ok(await cleaner.cleanFilthiest());
    assert.ok(await cleaner.cleanFilthiest());
    assert.equal(await cleaner.cleanFilthiest(), false);
    assert.equal(await keysOf(good), 'abcc');
    assert.equal(before.length, 12);
    assert.equal(logOf(bad).cleanedTo, null);
    assert.ok(!io.disk.list('/data/bad-0').some(({ name }) => /cleaned|swap/.test(name)));
    await close();
  }));

/** What a broken client sent before the topic was compacted: no lz4 frame, under a right CRC. */
function unreadableBatch(baseOffset: number): Buffer {
  const batch = Buffer.concat([
    encodeBatch({ records: [{ value: null, timestamp: 0 }] }).subarray(0, 61),
    Buffer.from('no lz4 frame'),
  ]);
  setBaseOffset(batch, 0, baseOffset);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(3, 21);
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
  return batch;
}

test('a batch that cannot be read is kept as it is, said so once, and the rest is cleaned', () =>
  simulate(async (io) => {
    const warnings: [string, LogFields | undefined][] = [];
    const log: Log = {
      ...{ debug() {}, info() {}, error: assert.fail },
      warn: (message, fields) => void warnings.push([message, fields]),
      child: () => log,
    };
    const { cleaner, create, close } = await open({ ...io, log });
    const partition = await create('t');
    fill(io, partition, 'xyx');
    const bad = unreadableBatch(3);
    logOf(partition).appendAsFollower(Buffer.from(bad));
    fill(io, partition, 'xyzz');
    assert.ok(await cleaner.cleanFilthiest());
    assert.equal(await cleaner.cleanFilthiest(), false);
    const upperBound = logOf(partition).logEndOffset;
    const read = await logOf(partition).read(3, 10, { upperBound, atLeastOneBatch: true });
    const [kept] = read.buffers;
    assert.deepEqual(kept?.subarray(17), bad.subarray(17));
    assert.equal(read.nextOffset, 4);
    fill(io, partition, 'xyzzabcdef');
    assert.ok(await cleaner.cleanFilthiest());
    assert.ok((logOf(partition).cleanedTo ?? 0) > 8);
    const [[what, fields], ...more] = warnings as [[string, LogFields]];
    assert.deepEqual(more, []);
    assert.match(what, /cannot be read/);
    const { because, ...place } = fields;
    assert.deepEqual(place, {
      ...{ topic: 't', partition: 0, batches: 1 },
      ...{ baseOffset: 3, lastOffset: 3 },
    });
    assert.match(String(because), /lz4/);
    await close();
  }));

test('a full disk leaves the log as it was, and it is cleaned when there is room', () =>
  simulate(async (io, process) => {
    const { cleaner, create, close } = await open(io);
    const partition = await create('t');
    fill(io, partition, 'xyabcabca');
    const { segmentCount } = logOf(partition);
    fillDisk(process, true);
    assert.ok(await cleaner.cleanFilthiest());
    assert.equal(await cleaner.cleanFilthiest(), false);
    assert.equal(logOf(partition).segmentCount, segmentCount);
    assert.equal(await keysOf(partition), 'xyabcabca');
    const odd = io.disk.list('/data/t-0').filter(({ name }) => /\.\w+\.\w+$/.test(name));
    assert.deepEqual(odd, []);
    fillDisk(process, false);
    await io.clock.sleep(60_001);
    assert.ok(await cleaner.cleanFilthiest());
    assert.equal(await keysOf(partition), 'xyabca');
    await close();
  }));

test('where cleaning ended is known to the next start', () =>
  simulate(async (io) => {
    const first = await open(io);
    const partition = await first.create('t');
    fill(io, partition, 'aaaaaaaa');
    await first.cleaner.cleanFilthiest();
    const { cleanedTo } = logOf(partition);
    await first.close();
    const file = io.disk.readFile('/data/cleaner-offset-checkpoint')?.toString();
    assert.equal(file, `0\n1\nt 0 ${cleanedTo}\n`);
    const second = await open(io);
    assert.equal(logOf(second.replicas.get('t', 0) as Partition).cleanedTo, cleanedTo);
    assert.equal(await second.cleaner.cleanFilthiest(), false);
    await second.close();
  }));

test('a stop waits for no throttled cleaning', () =>
  simulate(async (io) => {
    const { cleaner, settings, create, close } = await open(io);
    settings.bytesPerSecondMax = 10;
    const partition = await create('t');
    fill(io, partition, 'aaaaaaaa');
    cleaner.start();
    await io.clock.sleep(3000);
    const beganMs = io.clock.monotonic();
    await close();
    assert.ok(io.clock.monotonic() - beganMs < 1000);
  }));
