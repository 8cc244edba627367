// The client library at work: two workers of one group share a topic's partitions, one goes, the
// other takes over, and nothing is handled twice. Checks itself; run it with run.sh, or
//
//   node dist/examples/client/share-work.js HOST:PORT

import assert from 'node:assert/strict';
import {
  Admin,
  Consumer,
  type ConsumerRecord,
  KafkaError,
  Producer,
} from '../../src/client/index.ts';

const bootstrapServers = process.argv[2] ?? 'localhost:9092';
const handled: string[] = [];

function handle(record: ConsumerRecord): void {
  handled.push(`${record.key}: ${record.value}`);
}

const admin = new Admin({ bootstrapServers });
const [created] = await admin.createTopics([{ name: 'orders', numPartitions: 4 }]);
if (created?.error != null) throw created.error;

const producer = new Producer({ bootstrapServers });
for (let i = 0; i < 100; i++) {
  const sent = {
    topic: 'orders',
    key: Buffer.from(`customer ${i % 10}`),
    value: Buffer.from(`${i}`),
  };
  producer.send(sent).catch((error: unknown) => assert.fail(String(error)));
}
await producer.flush();

console.log('1. A loop over all records; positions are committed by themselves.');
const first = new Consumer({
  bootstrapServers,
  groupId: 'billing',
  autoOffsetReset: 'earliest',
});
first.subscribe(['orders']);
for await (const record of first) {
  handle(record);
  if (handled.length === 40) break;
}
await first.close();

console.log('2. Two workers that commit by hand share the rest.');
async function work(name: string, until: () => boolean): Promise<void> {
  const consumer = new Consumer({
    bootstrapServers,
    groupId: 'billing',
    autoOffsetReset: 'earliest',
    enableAutoCommit: false,
    partitionAssignmentStrategy: ['cooperative-sticky'],
  });
  consumer.subscribe(['orders'], {
    onPartitionsAssigned: (partitions) => console.log(`   ${name} gets ${partitions.length}`),
    onPartitionsRevoked: async (partitions) => {
      console.log(`   ${name} gives ${partitions.length}`);
      await consumer.commit();
    },
  });
  while (!until()) {
    const records = await consumer.poll(100);
    for (const record of records) handle(record);
    try {
      await consumer.commit();
    } catch (error) {
      // The next poll ends the rebalance; what we have to give up is committed before.
      if (!(error instanceof KafkaError)) throw error;
      if (error.errorName !== 'REBALANCE_IN_PROGRESS') throw error;
    }
  }
  await consumer.close();
}
const isDone = (): boolean => handled.length >= 100;
await Promise.all([work('one', isDone), work('two', isDone)]);
assert.equal(new Set(handled).size, 100);
assert.equal(handled.length, 100);

console.log('3. The group has committed everything, and can be described and deleted.');
const [group] = await admin.describeConsumerGroups(['billing']);
const offsets = await admin.listConsumerGroupOffsets('billing');
console.log(`   ${group?.state}, ${group?.members.length} members`);
assert.equal(
  offsets.reduce((sum, { offset }) => sum + offset, 0),
  100,
);
const [deleted] = await admin.deleteConsumerGroups(['billing']);
assert.equal(deleted?.error, null);

await producer.close();
await admin.close();
