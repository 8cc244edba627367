// Log directories that are missing or empty at a start, and folders of topics that the metadata do
// not know: refused, or kept, and never made anew in silence.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { port } from '../../tests/doubles/broker/brokers.ts';
import { loadBrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import { createTopics, encodeBatch, metadata, produce } from '../protocol/index.ts';
import { Broker, BrokerError, type BrokerOptions } from './index.ts';

const two = { 'log.dirs': '/a,/b' };

function start(
  io: Io,
  config: Readonly<Record<string, string>> = two,
  options: Partial<BrokerOptions> = {},
): Promise<Broker> {
  const overrides = Object.entries({ listeners: `PLAINTEXT://0.0.0.0:${port}`, ...config });
  const onFatal = (error: Error): never => assert.fail(error);
  return Broker.start(io, loadBrokerConfig({ overrides }).config, { onFatal, ...options });
}

/** Makes t with two partitions, one in each directory, and a record in each. */
async function fill(io: Io): Promise<void> {
  const client = await ClientConnection.connect(io, { host: 'host', port, clientId: 'test' });
  const topic = { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] };
  await client.request(createTopics, { topics: [topic] });
  const partitionData = [0, 1].map((index) => {
    const records = [{ value: Buffer.from('x'), timestamp: io.clock.now() }];
    return { index, records: encodeBatch({ records }) };
  });
  const topicData = [{ name: 't', partitionData }];
  const request = { acks: -1, timeoutMs: 1000, topicData };
  const { responses } = await client.request(produce, request, { versionMax: 12 });
  for (const { errorCode } of responses[0]?.partitionResponses ?? []) assert.equal(errorCode, 0);
  client.close();
}

async function filled(io: Io, config?: Readonly<Record<string, string>>): Promise<void> {
  const broker = await start(io, config);
  await fill(io);
  await broker.stop();
}

async function refusal(io: Io, config?: Readonly<Record<string, string>>): Promise<string> {
  const error = await start(io, config).catch((cause: Error) => cause);
  assert.ok(error instanceof BrokerError, String(error));
  assert.doesNotMatch(error.message, /\n/);
  return error.message;
}

const folders = (io: Io, path: string): string[] =>
  (io.disk.stat(path) === null ? [] : io.disk.list(path))
    .map(({ name }) => name)
    .filter((name) => name.startsWith('t-'));

for (const how of ['missing', 'empty'] as const) {
  test(`a log directory that is ${how} is refused, every time, and nothing is made in it`, () =>
    simulate(async (io) => {
      await filled(io);
      io.disk.rename('/b', '/b.away');
      if (how === 'empty') io.disk.makeDirectory('/b');
      for (let attempt = 0; attempt < 2; attempt++) {
        const text = await refusal(io);
        assert.match(text, new RegExp(`^log directory /b is ${how}, but /a/directory-notes notes`));
        assert.match(text, /mount its disk or bring it back, or, .* --accept-lost-log-dirs/);
      }
      assert.equal(io.disk.stat('/b/meta.properties'), null);
      await io.disk.remove('/b');
      io.disk.rename('/b.away', '/b');
      await (await start(io)).stop();
      assert.equal(folders(io, '/a').length + folders(io, '/b').length, 2);
    }));
}

test('a lost directory is given up when the operator says so, and is not asked for again', () =>
  simulate(async (io) => {
    await filled(io);
    io.disk.rename('/b', '/b.away');
    await (await start(io, two, { acceptLostLogDirs: true })).stop();
    assert.equal(folders(io, '/a').length + folders(io, '/b').length, 2);
    await (await start(io)).stop();
    // And when it comes back there are two histories: the one goes on, the other is kept.
    await io.disk.remove('/b');
    io.disk.rename('/b.away', '/b');
    const [name] = folders(io, '/b') as [string];
    assert.match(await refusal(io), /\/b is another one/);
    await (await start(io, two, { acceptLostLogDirs: true })).stop();
    assert.deepEqual(
      [...folders(io, '/a'), ...folders(io, '/b')].filter((each) => each.endsWith('-stray')).length,
      folders(io, '/a').includes(name) ? 1 : 0,
    );
  }));

test('a directory that is registered and was never noted is missed by its partitions', () =>
  simulate(async (io) => {
    await filled(io);
    for (const path of ['/a', '/b']) await io.disk.remove(`${path}/directory-notes`);
    io.disk.rename('/b', '/b.away');
    const text = await refusal(io);
    assert.match(text, /the log directory with the id \S{22} is not in log.dirs/);
    assert.match(text, /in no other \(\/b was not known before\): mount its disk/);
  }));

test('of two directories that say different clusters the refusal names both', () =>
  simulate(async (io) => {
    await filled(io);
    for (const path of ['/a', '/b']) await io.disk.remove(`${path}/directory-notes`);
    io.disk.rename('/a', '/a.away');
    assert.match(await refusal(io), /\/b belongs to cluster \S+, log directory \/a to \S+: bring/);
  }));

test('an entry that is removed from log.dirs is missed if partitions are in no other', () =>
  simulate(async (io) => {
    await filled(io);
    const text = await refusal(io, { 'log.dirs': '/a' });
    assert.match(text, /^\/b is not in log.dirs any more, and t-\d in no other: .*--accept/);
    const [name] = folders(io, '/b') as [string];
    io.disk.rename(`/b/${name}`, `/a/${name}`);
    await (await start(io, { 'log.dirs': '/a' })).stop();
    assert.equal(folders(io, '/a').length, 2);
  }));

test('a directory that is added is new', () =>
  simulate(async (io) => {
    await filled(io);
    await (await start(io, { 'log.dirs': '/a,/b,/c' })).stop();
    await (await start(io, { 'log.dirs': '/a,/b,/c' })).stop();
  }));

test('the directory of the metadata is missed by what the others note', () =>
  simulate(async (io) => {
    await filled(io);
    io.disk.rename('/a', '/a.away');
    assert.match(await refusal(io), /^log directory \/a is missing/);
    await io.disk.remove('/a');
    io.disk.rename('/a.away', '/a');
    io.disk.rename('/a/__cluster_metadata-0', '/metadata');
    const text = await refusal(io);
    assert.match(text, /\/a\/__cluster_metadata-0 holds no metadata, but \/a\/t-\d is there/);
    await io.disk.remove('/a/__cluster_metadata-0');
    io.disk.rename('/metadata', '/a/__cluster_metadata-0');
    await (await start(io)).stop();
  }));

test('metadata that are lost cost no record: folders are kept and the names are free', () =>
  simulate(async (io) => {
    await filled(io);
    await io.disk.remove('/a/__cluster_metadata-0');
    const broker = await start(io, two, { acceptLostMetadata: true });
    const client = await ClientConnection.connect(io, { host: 'host', port, clientId: 'test' });
    const { topics } = await client.request(metadata, { topics: null });
    assert.deepEqual(topics, []);
    client.close();
    await fill(io);
    await broker.stop();
    const all = [...folders(io, '/a'), ...folders(io, '/b')].sort();
    assert.equal(all.filter((name) => name.endsWith('-stray')).length, 2);
    assert.equal(all.length, 4);
  }));

for (const [harm, problem] of [
  ['remove', null],
  ['garbage', null],
  ['flip in a key', null],
  ['flip', /\/a\/meta\.properties says \S+ where \/a\/directory-notes says \S+: correct it/],
] as const) {
  test(`meta.properties: ${harm}`, () =>
    simulate(async (io) => {
      await filled(io);
      const path = '/a/meta.properties';
      const before = `${io.disk.readFile(path)}`;
      if (harm === 'remove') await io.disk.remove(path);
      else {
        const file = io.disk.open(path, 'write');
        const flipped = before.replace(/cluster.id=./, 'cluster.id=+');
        const inKey = before.replace('directory.id', 'directory.ie');
        const text = { garbage: '\0\0\0', flip: flipped, 'flip in a key': inKey }[harm];
        file.truncate(0);
        file.write([Buffer.from(text)], 0);
        file.close();
      }
      if (problem !== null) {
        assert.match(await refusal(io), problem);
        return;
      }
      await (await start(io)).stop();
      assert.equal(`${io.disk.readFile(path)}`, before);
      // It may have been somebody's file.
      const kept = io.disk.readFile(`${path}.damaged`);
      assert.equal(kept === null, harm === 'remove');
      if (harm === 'garbage') assert.equal(`${kept}`, '\0\0\0');
      // Without our notes it is for the operator to say.
      await io.disk.remove(path);
      await io.disk.remove('/a/directory-notes');
      assert.match(
        await refusal(io),
        /meta.properties is missing, but \/a\/t-\d is there: .*format/,
      );
    }));
}
