// What our clients measure has the groups, names, tags and descriptions of what Java's clients
// measure after the same little work, but for what is listed here with its reason.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Admin, type ClientMetric, Consumer, Producer } from '../../src/client/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';
import { cacheFolder, classPath, compileJava } from './builds.ts';

/** What Java has and we have not, by the name, and why. */
const onlyInJava: readonly { readonly name: RegExp; readonly why: string }[] = [
  { name: /^(select-|io-)/, why: 'of a thread that waits for sockets: Node.js has none' },
  { name: /^(commit-id|version)$/, why: 'of the jar' },
  { name: /-no-reauth-total$/, why: 'of brokers before Kafka 2.2' },
  { name: /^txn-prepare-/, why: 'two-phase commit (KIP-939), which no broker serves yet' },
  {
    name: /^(application|background)-event|^unsent-requests-|^time-between-network-thread-/,
    why: 'of queues between the threads of the consumer: ours has one thread',
  },
];

/** Metrics without their values and the numbers of nodes. */
function keysOf(who: string, metrics: readonly ClientMetric[]): Set<string> {
  return new Set(
    metrics.map(({ group, name, tags, description }) =>
      [who, group, name, Object.keys(tags).sort().join(','), description].join('\t'),
    ),
  );
}

async function ours(servers: string, groupProtocol: 'classic' | 'consumer'): Promise<Set<string>> {
  const topic = `our-metrics-${groupProtocol}`;
  const admin = new Admin({ bootstrapServers: servers, clientId: 'a' });
  await admin.createTopics([{ name: topic, numPartitions: 1 }]);
  const producer = new Producer({
    bootstrapServers: servers,
    clientId: 'p',
    transactionalId: `ours-${groupProtocol}`,
  });
  await producer.transaction(async (transaction) => {
    for (let i = 0; i < 10; i++) await transaction.send({ topic, value: Buffer.alloc(10) });
  });
  const consumer = new Consumer({
    bootstrapServers: servers,
    clientId: 'c',
    groupId: `ours-${groupProtocol}`,
    groupProtocol,
    autoOffsetReset: 'earliest',
  });
  consumer.subscribe([topic]);
  for (let count = 0; count < 10; ) count += (await consumer.poll(500)).length;
  await consumer.commit();
  const keys = new Set([
    ...keysOf('producer', producer.metrics()),
    ...keysOf('consumer', consumer.metrics()),
    ...keysOf('admin', admin.metrics()),
  ]);
  await Promise.all([consumer.close(), producer.close(), admin.close()]);
  return keys;
}

describe('metrics of clients', () => {
  let broker: BrokerProcess;
  let classes: string;
  const jars = cacheFolder('kafka-4.3.1');

  before(async () => {
    const source = join(projectRoot, 'tests/interop/metrics/Metrics.java');
    [broker, classes] = await Promise.all([BrokerProcess.start(), compileJava(jars, [source])]);
  });

  after(() => broker.dispose());

  for (const protocol of ['classic', 'consumer'] as const) {
    test(`those of groups of the ${protocol} protocol are Java's`, async () => {
      const servers = broker.bootstrapServers;
      const command = [...classPath(jars, classes), 'Metrics', servers, protocol];
      const java = await runProgram('java', command);
      assert.equal(java.code, 0, java.stderr);
      const theirs = new Set(java.stdout.split('\n').filter((line) => line.includes('\t')));
      assert.ok(theirs.size > 150, `${theirs.size}`);
      const isListed = (key: string): boolean =>
        onlyInJava.some(({ name }) => name.test(key.split('\t')[2] as string));
      const mine = await ours(servers, protocol);
      const missing = [...theirs].filter((key) => !mine.has(key) && !isListed(key));
      const added = [...mine].filter((key) => !theirs.has(key));
      assert.deepEqual(
        { missing: missing.sort(), added: added.sort() },
        { missing: [], added: [] },
      );
    });
  }
});
