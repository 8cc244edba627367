// What is not meant to be together: real brokers and a real etcd or ZooKeeper that is empty, or
// another cluster's, or has such a broker already. Each is refused with one line, and nothing is
// harmed by it.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Admin, Consumer, Producer } from '../../../src/client/index.ts';
import { createNodeIo } from '../../../src/io/index.ts';
import { projectRoot } from '../../root.ts';
import { runProgram } from '../../run-program.ts';
import { present } from '../toolchain.ts';
import { PartitaCluster } from './partita-cluster.ts';
import { freePort } from './ports.ts';
import { Processes } from './processes.ts';
import { type StoreKind, whyNoStore } from './store-members.ts';

const topic = 'kept';
const sessionMs = 2_000;
const quiet = createNodeIo({ logLevel: 'off' });

async function produce({ bootstrapServers }: PartitaCluster, value: string): Promise<void> {
  const producer = new Producer({ bootstrapServers, acks: 'all' }, quiet);
  await producer.send({ topic, partition: 0, value });
  await producer.close();
}

async function read({ bootstrapServers }: PartitaCluster, count: number): Promise<string[]> {
  const consumer = new Consumer({ bootstrapServers }, quiet);
  await consumer.assign([{ topic, partition: 0, offset: 'earliest' }]);
  const values: string[] = [];
  for (let polls = 0; values.length < count && polls < 600; polls++) {
    for (const { value } of await consumer.poll(100)) values.push(`${value}`);
  }
  await consumer.close();
  return values;
}

/** One more broker beside the cluster's: how it is started. */
class Stranger {
  readonly #cluster: PartitaCluster;
  readonly #file: string;

  private constructor(cluster: PartitaCluster, file: string) {
    this.#cluster = cluster;
    this.#file = file;
  }

  static async prepare(
    cluster: PartitaCluster,
    { id, directory, prefix = '/tried' }: { id: number; directory: string; prefix?: string },
  ): Promise<Stranger> {
    const store = Object.entries(cluster.store.brokerConfig).map(([key, value]) => {
      return `${key}=${value.replace(/\/tried$/, prefix)}`;
    });
    mkdirSync(directory, { recursive: true });
    const file = `${directory}.strange.properties`;
    const lines = [
      ...[`node.id=${id}`, `listeners=PLAINTEXT://127.0.0.1:${await freePort()}`],
      ...[`log.dirs=${directory}`, `broker.session.timeout.ms=${sessionMs}`],
      ...['broker.heartbeat.interval.ms=500', ...store, ''],
    ];
    writeFileSync(file, lines.join('\n'));
    return new Stranger(cluster, file);
  }

  get command(): string[] {
    return [process.execPath, join(projectRoot, 'bin/partita.js'), 'start', this.#file];
  }

  async isRefused(pattern: RegExp): Promise<void> {
    const [node, ...args] = this.command as [string, ...string[]];
    const { code, stdout, stderr } = await runProgram(node, args, { timeoutMs: 60_000 });
    assert.equal(code, 1, `${stdout}${stderr}${this.#cluster.output}`);
    // Log lines begin with the time.
    const said = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('['));
    assert.match(said.join('\n'), pattern);
    assert.equal(said.length, 1, stderr);
    assert.doesNotMatch(stdout, /ready/);
  }
}

function clusterIdIn(directory: string): string {
  const text = readFileSync(join(directory, 'meta.properties'), 'utf8');
  return /^cluster\.id=(.*)$/m.exec(text)?.[1] ?? '';
}

async function tell(t: TestContext, store: StoreKind): Promise<void> {
  if (!present(t, whyNoStore(store) === null, store)) return;
  // All three begin at the same moment on an empty store.
  const cluster = await PartitaCluster.start({
    ...{ store, storeMemberCount: 1 },
    config: { 'broker.session.timeout.ms': `${sessionMs}`, 'broker.heartbeat.interval.ms': '500' },
  });
  const others = new Processes();
  const admin = new Admin({ bootstrapServers: cluster.bootstrapServers }, quiet);
  try {
    const ids = new Set(cluster.brokerIds.map((id) => clusterIdIn(cluster.dataOf(id))));
    assert.equal(ids.size, 1, 'three brokers that begin at once make one cluster');
    const [created] = await admin.createTopics([{ name: topic, assignments: [[1, 2, 3]] }]);
    assert.equal(created?.error, null);
    await produce(cluster, 'a');

    // A second process that is broker 2, in another directory, while the first lives.
    const twin = { id: 2, directory: join(cluster.directory, 'twin') };
    const twinPattern = /^partita: cannot start: another process is running as broker 2; /;
    await (await Stranger.prepare(cluster, twin)).isRefused(twinPattern);

    // Another cluster whose prefix begins like this one's: neither sees the other.
    const other = { id: 1, directory: join(cluster.directory, 'other') };
    const neighbour = await Stranger.prepare(cluster, { ...other, prefix: '/tried2' });
    await others.start('neighbour', neighbour.command, /^partita ready/m).ready;
    await others.end('neighbour', 'SIGTERM');
    assert.notEqual(clusterIdIn(other.directory), [...ids][0]);
    const foreign = /(is of|belongs to) cluster .*correct cluster\.store/;
    await (await Stranger.prepare(cluster, { ...other, id: 1 })).isRefused(foreign);

    // A broker with data, and a prefix that was mistyped: there is nothing.
    await cluster.end(3, 'SIGTERM');
    const typed = { id: 3, directory: cluster.dataOf(3), prefix: '/tired' };
    await (await Stranger.prepare(cluster, typed)).isRefused(/is empty.*correct cluster\.store/);
    const wrong = { ...typed, prefix: '/tried2' };
    await (await Stranger.prepare(cluster, wrong)).isRefused(foreign);

    await cluster.startBroker(3);
    await produce(cluster, 'b');
    assert.deepEqual(await read(cluster, 2), ['a', 'b'], 'nothing was harmed');
    const { nodes } = await admin.describeCluster();
    assert.deepEqual(nodes.map(({ nodeId }) => nodeId).sort(), [1, 2, 3]);
  } finally {
    await admin.close();
    await others.endAll();
    await cluster.dispose();
  }
}

test('what is not meant to be together is refused', { concurrency: true }, async (t) => {
  await Promise.all(
    (['etcd', 'zookeeper'] as const).map((store) => t.test(store, (each) => tell(each, store))),
  );
});
