// The program of the README: orders with a type, sent and received. Run it with run.sh, or
//
//   node dist/examples/client/typed-orders.js HOST:PORT

import { Consumer, defineTopics, json, Producer, string } from '../../src/client/index.ts';

const bootstrapServers = process.argv[2] ?? 'localhost:9092';

interface Order {
  readonly item: string;
  readonly count: number;
}
const topics = defineTopics({ purchases: { key: string(), value: json<Order>() } });

const producer = new Producer({ bootstrapServers, topics });
await producer.send({ topic: 'purchases', key: 'anna', value: { item: 'violin', count: 2 } });
await producer.close();

const consumer = new Consumer({
  bootstrapServers,
  topics,
  groupId: 'shop',
  autoOffsetReset: 'earliest',
});
consumer.subscribe(['purchases']);
for await (const { key, value } of consumer) {
  console.log(`${key} buys ${value?.count} of ${value?.item}`);
  break;
}
await consumer.close();
