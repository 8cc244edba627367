// What earlier releases have left is opened by this one (make-golden.ts says how it was made).

import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { dumpLines, readDump } from '../../src/cli/cluster/dump-text.ts';
import { Consumer, Producer } from '../../src/client/index.ts';
import { KeyedStore } from '../../src/metadata/engines/keyed/index.ts';
import { imageOf, readWholeMetadata } from '../../src/metadata/moving/whole-metadata.ts';
import { KeySystem, MemoryKeyStore } from '../doubles/metadata/key-stores.ts';
import { MovingCluster, recordsOf } from '../e2e/moving-cluster.ts';
import { projectRoot } from '../root.ts';

const golden = join(projectRoot, 'tests/golden');
const versions = readdirSync(golden, { withFileTypes: true }).filter((each) => each.isDirectory());

/** The records grow old, and are to be found. */
const nothingExpires = {
  'log.retention.ms': '-1',
  'offsets.retention.minutes': '2147483647',
  'transactional.id.expiration.ms': '2147483647',
};

for (const { name: version } of versions) {
  const read = (name: string): string => readFileSync(join(golden, version, name), 'utf8');
  const dump = read('metadata.jsonl');

  describe(`what ${version} has left`, () => {
    const cluster = new MovingCluster();
    after(() => cluster.dispose());

    test('a dump is read, and written as it was', () => {
      const metadata = readDump(dump, 'metadata.jsonl');
      assert.equal([...dumpLines(metadata)].map((line) => `${line}\n`).join(''), dump);
    });

    test('the keys of a store are the metadata of the dump, and what was appended', async () => {
      await simulate(async (io) => {
        const system = new KeySystem(io);
        for (const line of read('store.jsonl').trim().split('\n')) {
          const { key, value } = JSON.parse(line) as { key: string; value: string };
          const bytes = Buffer.from(value, 'base64');
          system.data.set(key, { value: bytes, version: 0, session: null });
        }
        const options = { clusterId: null, mayCreate: false, sessionTimeoutMs: 9_000 };
        const store = await KeyedStore.open(io, new MemoryKeyStore(system), options);
        const before = readDump(dump, 'metadata.jsonl');
        const found = await readWholeMetadata(io, store);
        assert.equal(found.clusterId, before.clusterId);
        assert.equal(found.historyId, before.historyId);
        assert.equal(found.endOffset, before.endOffset + 102);
        const image = imageOf(found);
        assert.equal(image.configOf(2, 'orders').get('config.99'), 'golden');
        assert.deepEqual(image.topic('orders'), imageOf(before).topic('orders'));
        await store.elect({ nodeId: 1, onLost: () => {} }).term;
        await store.close();
      });
    });

    test('a directory is served: records, a group, a transactional id', async () => {
      cpSync(join(golden, version, 'directory'), cluster.data, { recursive: true });
      assert.equal(await cluster.done(null, 'dump'), dump);
      const broker = await cluster.startBroker(nothingExpires);
      const { bootstrapServers } = broker;
      assert.deepEqual(await recordsOf(broker, 'orders', 3), ['one', 'two', 'three']);
      const consumer = new Consumer({ bootstrapServers, groupId: 'readers' });
      consumer.subscribe(['orders']);
      const values: string[] = [];
      while (values.length === 0) {
        for (const { value } of await consumer.poll(1_000)) values.push(`${value}`);
      }
      assert.deepEqual(values, ['three']);
      await consumer.close();
      const producer = new Producer({ bootstrapServers, transactionalId: 'booking' });
      await producer.initTransactions();
      producer.beginTransaction();
      await producer.send({ topic: 'orders', value: 'four' });
      await producer.commitTransaction();
      await producer.close();
      assert.equal((await recordsOf(broker, 'orders', 4)).at(-1), 'four');
    });
  });
}
