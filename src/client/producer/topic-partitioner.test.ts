// Which partition a record without a key goes to, record by record, as KIP-794 says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { ScriptedCluster } from '../../../tests/doubles/client/scripted-cluster.ts';
import type { Io } from '../../io/index.ts';
import { Producer } from './producer.ts';
import type { ProducerOptions } from './producer-options.ts';

const partitionCount = 10;

async function withProducer(
  io: Io,
  options: Partial<ProducerOptions>,
  body: (producer: Producer, cluster: ScriptedCluster) => Promise<void>,
): Promise<void> {
  const cluster = await ScriptedCluster.start(io);
  cluster.addTopic('t', new Array(partitionCount).fill(1));
  const { bootstrapServers } = cluster;
  const producer = new Producer({ bootstrapServers, batchSizeBytes: 1_000, ...options }, io);
  await body(producer, cluster);
  await producer.close();
}

const changesOf = (partitions: readonly number[]): number =>
  partitions.filter((each, at) => at > 0 && each !== partitions[at - 1]).length;

test('records that travel alone change the partition by what their batches take', () =>
  simulate(async (io) => {
    await withProducer(io, { lingerMs: 0 }, async (producer) => {
      const partitions: number[] = [];
      for (let number = 0; number < 300; number++) {
        partitions.push((await producer.send({ topic: 't', value: '1' })).partition);
      }
      // A batch of one such record has 69 bytes: 15 of them, and one in ten stays by chance.
      const changes = changesOf(partitions);
      assert.ok(changes >= 12 && changes <= 20, `${changes} changes of partition`);
    });
  }));

test('a partition is left as soon as its batch is full, and not before', () =>
  simulate(async (io) => {
    await withProducer(io, { lingerMs: 60_000 }, async (producer, cluster) => {
      // Three of these records and the head of a batch have 1 000 bytes.
      const value = 'x'.repeat(304);
      for (let number = 0; number < 300; number++) producer.write({ topic: 't', value });
      await producer.flush();
      for (let partition = 0; partition < partitionCount; partition++) {
        for (const { header } of cluster.partition('t', partition).batches) {
          assert.equal(header.recordCount, 3);
        }
      }
    });
  }));

/** By size of a record: how many go to a partition, as Java's producer (4.3.1) was seen to do. */
const visits: readonly (readonly [size: number, count: number])[] = [
  [50, 32],
  [304, 3],
  [400, 4],
  [900, 2],
  [1500, 1],
];

test('a partition is left when the next record has no room in its second batch', async () => {
  for (const [size, count] of visits) {
    await simulate((io) =>
      withProducer(io, { lingerMs: 60_000 }, async (producer) => {
        const sent = Array.from({ length: 40 * count }, () =>
          producer.send({ topic: 't', value: 'x'.repeat(size) }),
        );
        await producer.flush();
        const partitions = (await Promise.all(sent)).map(({ partition }) => partition);
        const changedAt = [...partitions.keys()].filter(
          (at) => at > 0 && partitions[at] !== partitions[at - 1],
        );
        // One in ten stays by chance.
        assert.ok(changedAt.length >= 25, `${size}: ${changedAt.length} changes`);
        for (const at of changedAt) assert.equal(at % count, 0, `${size}: a change at ${at}`);
      }),
    );
  }
});

test('what has a key or names its partition does not count', () =>
  simulate(async (io) => {
    await withProducer(io, { lingerMs: 0 }, async (producer) => {
      const partitions: number[] = [];
      for (let number = 0; number < 10; number++) {
        const value = 'x'.repeat(900);
        await producer.send({ topic: 't', key: `${number}`, value });
        await producer.send({ topic: 't', partition: 3, value });
        partitions.push((await producer.send({ topic: 't', value: '1' })).partition);
      }
      assert.equal(changesOf(partitions), 0);
    });
  }));
