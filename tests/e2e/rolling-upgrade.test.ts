// Three brokers are upgraded one after the other under load, and taken back while nobody relies on
// what is new: the next release is a copy of this build that knows one level more.

import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Producer } from '../../src/client/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';
import { launcher, MovingCluster, recordsOf, tool } from './moving-cluster.ts';

const cluster = new MovingCluster();
const brokers: BrokerProcess[] = [];
after(async () => {
  for (const broker of brokers) await broker.kill9();
  await cluster.dispose();
});

/** What this build says of a feature, and what it will say of one of ours. */
const known = /\["group\.version",\s*\{\s*minVersion:\s*0,\s*maxVersion:\s*1\s*\}\s*\]/;
const planted = '["partita.version",{minVersion:0,maxVersion:1}]';

function nextRelease(): string {
  const folder = cluster.path('next');
  for (const name of ['bin', 'dist/bin', 'package.json']) {
    cpSync(join(projectRoot, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
  let count = 0;
  for (const name of readdirSync(join(folder, 'dist/bin'))) {
    const path = join(folder, 'dist/bin', name);
    const text = name.endsWith('.js') ? readFileSync(path, 'utf8') : '';
    if (!known.test(text)) continue;
    writeFileSync(
      path,
      text.replace(known, (found) => `${found},${planted}`),
    );
    count++;
  }
  assert.ok(count > 0, 'the level is planted');
  return join(folder, 'bin/partita.js');
}

/** Sends all the time; resolves with what was acknowledged. */
function loadOn(bootstrapServers: string): () => Promise<string[]> {
  const producer = new Producer({ bootstrapServers });
  const acknowledged: string[] = [];
  let isOver = false;
  const sending = (async () => {
    for (let nr = 0; !isOver; nr++) {
      await producer.send({ topic: 'orders', value: `${nr}` });
      acknowledged.push(`${nr}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await producer.close();
  })();
  return async () => {
    isOver = true;
    await sending;
    return acknowledged;
  };
}

async function roll(release: string): Promise<void> {
  for (const broker of brokers) {
    await broker.stop();
    broker.launcher = release;
    await broker.start();
  }
}

function finalize(broker: BrokerProcess) {
  const args = ['upgrade', '--feature', 'partita.version=1'];
  const server = ['--bootstrap-server', broker.bootstrapServers];
  return runProgram(process.execPath, [launcher, 'kafka-features', ...server, ...args]);
}

test('brokers are rolled up and down under load, and not down once all rely on more', async () => {
  const next = nextRelease();
  const store = `${await cluster.etcdModel()}/rolled`;
  const config = { 'cluster.store': store, 'broker.session.timeout.ms': '9000' };
  for (const id of ['1', '2', '3']) {
    const directory = cluster.path(`data${id}`);
    brokers.push(await BrokerProcess.start({ directory, config: { ...config, 'node.id': id } }));
  }
  const [first, second, third] = brokers as [BrokerProcess, BrokerProcess, BrokerProcess];
  const replicas = ['--partitions', '1', '--replication-factor', '3'];
  const minimum = ['--config', 'min.insync.replicas=2'];
  await tool('kafka-topics', first, '--create', '--topic', 'orders', ...replicas, ...minimum);
  const finish = loadOn(brokers.map((each) => each.bootstrapServers).join());

  await roll(next);
  await third.stop();
  third.launcher = launcher;
  await third.start();
  const early = await finalize(first);
  assert.match(early.stderr + early.stdout, /Broker 3 only supports versions 0-0\./);
  await roll(launcher);
  await roll(next);
  const { code, stdout, stderr } = await finalize(second);
  assert.equal(code, 0, stdout + stderr);

  await third.stop();
  third.launcher = launcher;
  const versions = /partita\.version 1; up to 0 are known here: upgrade this broker/;
  await assert.rejects(third.start(), versions);
  third.launcher = next;
  await third.start();
  const acknowledged = await finish();
  assert.ok(acknowledged.length > 100, `${acknowledged.length} records`);
  const read = new Set(await recordsOf(second, 'orders', acknowledged.length));
  const missing = acknowledged.filter((value) => !read.has(value));
  assert.deepEqual(missing, []);
});
