// `partita cluster recover`: a broker that has data refuses a store that is not the one it knew,
// until somebody who was shown what that costs lets it in.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MovingCluster, produced, recordsOf, tool } from './moving-cluster.ts';

const cluster = new MovingCluster();
after(() => cluster.dispose());

test('a store that was wiped and restored from yesterday is taken when that is meant', async () => {
  const dumped = cluster.path('yesterday.jsonl');
  const store = `${await cluster.etcdModel()}/today`;
  const config = { 'cluster.store': store, 'broker.session.timeout.ms': '2000' };
  const broker = await cluster.startBroker(config);
  const replicas = ['--partitions', '1', '--replication-factor', '1'];
  await tool('kafka-topics', broker, '--create', '--topic', 'kept', ...replicas);
  await produced(broker, 'kept', ['one', 'two']);
  await cluster.done(store, 'dump', '--to', dumped);
  await tool('kafka-topics', broker, '--create', '--topic', 'newer', ...replicas);
  await produced(broker, 'newer', ['lost from its place']);
  // It notes what it knows when it stops, and every few seconds.
  await broker.stop();
  await broker.start();
  // A later leader epoch than yesterday's metadata know.
  await broker.kill9();
  await broker.start();
  await produced(broker, 'kept', ['three']);
  assert.match(await cluster.done(store, 'recover'), /there is nothing to recover/);
  await broker.kill9();

  const restored = `${await cluster.etcdModel()}/today`;
  await cluster.done(restored, 'restore', '--from', dumped);
  const moved = { ...config, 'cluster.store': restored };
  await assert.rejects(cluster.startBroker(moved), /history .* partita cluster recover shows/);
  // The first line of it changes nothing and says so with its exit code.
  const { code, stdout } = await cluster.documented(restored, 'cluster recover');
  assert.equal(code, 1, stdout);
  assert.match(stdout, /newer-0\n/);
  assert.match(stdout, /offsets \d+ to \d+ at least/);
  assert.match(stdout, /Nothing was changed.*--yes/);
  await assert.rejects(cluster.startBroker(moved), /partita cluster recover shows/);
  assert.match(await cluster.done(restored, 'recover', '--yes'), /^Done: every broker/m);
  assert.match(await cluster.done(restored, 'recover'), /there is nothing to recover/);

  const back = await cluster.startBroker(moved);
  assert.deepEqual(await recordsOf(back, 'kept', 3), ['one', 'two', 'three']);
  await produced(back, 'kept', ['four']);
  assert.deepEqual(await recordsOf(back, 'kept', 4), ['one', 'two', 'three', 'four']);
  assert.doesNotMatch(await tool('kafka-topics', back, '--list'), /newer/);
  assert.ok(
    readdirSync(join(cluster.data)).some((name) => /^newer-0\..*-stray$/.test(name)),
    'the log is set aside',
  );
});
