// Makes what a release leaves for all later ones to open, in tests/golden/VERSION: the directory of
// a broker that was stopped, its metadata as `partita cluster dump` writes them, and the keys of a
// store. To be run once for a release: node dist/tests/golden/make-golden.js 0.1.0

import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulate } from '../../sim/index.ts';
import { readDump } from '../../src/cli/cluster/dump-text.ts';
import { Consumer, Producer } from '../../src/client/index.ts';
import { KeyedStore, restoreInto } from '../../src/metadata/engines/keyed/index.ts';
import { piecesOf } from '../../src/metadata/moving/whole-metadata.ts';
import { encodeRecord } from '../../src/metadata/records/index.ts';
import { KeySystem, MemoryKeyStore } from '../doubles/metadata/key-stores.ts';
import { MovingCluster, produced, tool } from '../e2e/moving-cluster.ts';
import { projectRoot } from '../root.ts';

const [version = 'next'] = process.argv.slice(2);
const folder = join(projectRoot, 'tests/golden', version);
const cluster = new MovingCluster();

async function useBroker(): Promise<void> {
  const broker = await cluster.startBroker({
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.num.partitions': '1',
  });
  const { bootstrapServers } = broker;
  await tool('kafka-topics', broker, '--create', '--topic', 'orders', '--partitions', '1');
  await produced(broker, 'orders', ['one', 'two']);
  const producer = new Producer({ bootstrapServers, transactionalId: 'booking' });
  await producer.initTransactions();
  producer.beginTransaction();
  await producer.send({ topic: 'orders', value: 'three' });
  await producer.commitTransaction();
  await producer.close();
  const consumer = new Consumer({
    ...{ bootstrapServers, groupId: 'readers', autoOffsetReset: 'earliest' },
    ...{ enableAutoCommit: false, maxPollRecords: 2 },
  });
  consumer.subscribe(['orders']);
  while ((await consumer.poll(1_000)).length === 0);
  await consumer.commit();
  await consumer.close();
  const user = ['--alter', '--entity-type', 'users', '--entity-name', 'alice', '--add-config'];
  await tool('kafka-configs', broker, ...user, 'SCRAM-SHA-512=[password=secret]');
  await tool('kafka-configs', broker, ...user, 'producer_byte_rate=1000000');
  await broker.stop();
}

/** A snapshot, and batches behind it, one of them in pieces. */
async function keysOfStore(dump: string): Promise<string> {
  const metadata = readDump(dump, 'the dump');
  const historyId = metadata.historyId as string;
  return await simulate(async (io) => {
    const system = new KeySystem(io);
    const keys = new MemoryKeyStore(system);
    const pieces = () => piecesOf(metadata);
    await restoreInto(io, keys, { ...metadata, historyId, pieces });
    const options = { clusterId: null, mayCreate: false, sessionTimeoutMs: 9_000 };
    const store = await KeyedStore.open(io, keys, options);
    const term = await store.elect({ nodeId: 1, onLost: () => {} }).term;
    for (const count of [1, 100]) {
      const records = Array.from({ length: count }, (_, index) =>
        encodeRecord({
          type: 'ConfigRecord',
          ...{ resourceType: 2, resourceName: 'orders', name: `config.${index}`, value: 'golden' },
        }),
      );
      const at = { expectedEnd: store.endOffset, controllerEpoch: term.epoch };
      await store.append(records, at);
    }
    await store.close();
    const lines = [...system.data]
      .filter(([, { session }]) => session === null)
      .map(([key, { value }]) => JSON.stringify({ key, value: value.toString('base64') }));
    return `${lines.sort().join('\n')}\n`;
  });
}

try {
  await useBroker();
  const dump = await cluster.done(null, 'dump');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'metadata.jsonl'), dump);
  writeFileSync(join(folder, 'store.jsonl'), await keysOfStore(dump));
  cpSync(cluster.data, join(folder, 'directory'), {
    recursive: true,
    filter: (path) => !/\/(\.lock|\.partita_boot_id)$/.test(path),
  });
} finally {
  await cluster.dispose();
}
