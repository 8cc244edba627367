// `partita cluster dump` and `restore`: all metadata as a file, and back into an empty store.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MovingCluster, tool } from './moving-cluster.ts';

const cluster = new MovingCluster();
after(() => cluster.dispose());

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(folder, name));
      // The lock is taken and left.
      return name.endsWith('.lock') || name === '' ? name : `${name} ${size} ${mtimeMs}`;
    });
}

test('a stopped broker on its own is dumped, and its dump fills an empty store', async () => {
  const dumped = cluster.path('metadata.jsonl');
  const broker = await cluster.startBroker();
  await tool('kafka-topics', broker, '--create', '--topic', 'orders', '--partitions', '3');
  const user = ['--entity-type', 'users', '--entity-name', 'alice', '--alter', '--add-config'];
  await tool('kafka-configs', broker, ...user, 'SCRAM-SHA-256=[password=secret]');
  await cluster.refused(null, ['dump', '--to', dumped], /in use by another broker/);
  assert.ok(!existsSync(dumped));
  await broker.stop();

  const before = filesIn(join(cluster.data, '__cluster_metadata-0'));
  assert.match(await cluster.done(null, 'dump', '--to', dumped), /1 topics, 3 partitions/);
  assert.equal(await cluster.done(null, 'dump'), readFileSync(dumped, 'utf8'), 'the same twice');
  assert.deepEqual(filesIn(join(cluster.data, '__cluster_metadata-0')), before);
  const lines = readFileSync(dumped, 'utf8').trim().split('\n');
  assert.match(lines[0] as string, /^\{"partitaMetadataDump":1,"clusterId":"/);
  assert.ok(lines.some((line) => line.includes('USER_SCRAM_CREDENTIAL_RECORD')));

  const store = `${await cluster.etcdModel()}/restored`;
  await cluster.refused(store, ['dump'], /is empty: correct cluster\.store/);
  writeFileSync(cluster.path('short'), lines.slice(0, -1).join('\n'));
  const short = ['restore', '--from', cluster.path('short')];
  await cluster.refused(store, short, /short, line \d+: the last line of a dump is missing/);
  assert.match(await cluster.didDocumented(store, 'cluster restore'), /^restored cluster /);
  await cluster.refused(store, ['restore', '--from', dumped], /is of cluster \S+ and not empty/);
  await cluster.didDocumented(store, 'cluster dump');
  const again = readFileSync(dumped, 'utf8').trim().split('\n');
  assert.deepEqual(again.slice(1), lines.slice(1));
  const [was, is] = [lines[0], again[0]].map((line) => JSON.parse(line as string));
  assert.deepEqual({ ...is, historyId: was.historyId }, was);
  assert.notEqual(is.historyId, was.historyId, 'brokers are to notice');

  const config = { 'cluster.store': store, 'node.id': '5', 'log.dirs': cluster.path('five') };
  const member = await cluster.startBroker(config);
  assert.match(await tool('kafka-topics', member, '--list'), /^orders$/m);
  const users = await tool('kafka-configs', member, '--describe', '--entity-type', 'users');
  assert.match(users, /SCRAM credential configs for user-principal 'alice'/);
});

test('the store of `--brokers` is dumped while its brokers run, and is not restored', async () => {
  const shared = await cluster.sharedStore();
  const dumped = cluster.path('shared.jsonl');
  assert.match(await cluster.done(shared, 'dump', '--to', dumped), /: 0 topics, 0 partitions/);
  const config = { 'cluster.store': shared, 'node.id': '6', 'log.dirs': cluster.path('six') };
  const member = await cluster.startBroker(config);
  await tool('kafka-topics', member, '--create', '--topic', 'shared', '--partitions', '2');
  const said = await cluster.done(shared, 'dump', '--to', dumped);
  assert.match(said, /: 1 topics, 2 partitions/);
  const expected = /expected etcd:\/\/, zookeeper:\/\//;
  await cluster.refused(shared, ['restore', '--from', dumped], expected);

  const store = `${await cluster.etcdModel()}/from-shared`;
  await cluster.done(store, 'restore', '--from', dumped);
  const restored = { 'cluster.store': store, 'node.id': '7', 'log.dirs': cluster.path('seven') };
  const other = await cluster.startBroker(restored);
  assert.match(await tool('kafka-topics', other, '--list'), /^shared$/m);
});
