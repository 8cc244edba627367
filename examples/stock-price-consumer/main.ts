// The consumers of the stock price labs, one after the other, each with its own check.
//
//   node dist/examples/stock-price-consumer/main.js HOST:PORT

import { Admin } from '../../src/client/index.ts';
import { atLeastOnce, atMostOnce, perRecord } from './delivery.ts';
import { exactlyOnceInDatabase } from './exactly-once-in-database.ts';
import { partitionCount, sendPrices, topic } from './prices.ts';
import { priorityQueue } from './priority-queue.ts';
import { rebalance, seek } from './seek-and-rebalance.ts';
import { consumerPerThread, workerPool } from './workers.ts';

const bootstrapServers = process.argv[2] ?? 'localhost:9092';

const admin = new Admin({ bootstrapServers });
const [created] = await admin.createTopics([{ name: topic, numPartitions: partitionCount }]);
if (created?.error != null) throw created.error;
await admin.close();
await sendPrices(bootstrapServers);

const parts: readonly [name: string, run: (bootstrapServers: string) => Promise<void>][] = [
  ['at least once: what a crash interrupts is handled again', atLeastOnce],
  ['at most once: what a crash interrupts is lost', atMostOnce],
  ['a commit for each record: a crash repeats one', perRecord],
  ['exactly once: the offset lies in the database, with what it changed', exactlyOnceInDatabase],
  ['seek: to the beginning, the end, a time', seek],
  ['a rebalance, and who hears of it', rebalance],
  ['one consumer in each worker thread', consumerPerThread],
  ['a pool of handlers, in order for each stock', workerPool],
  ['a priority queue of two topics', priorityQueue],
];
for (const [index, [name, run]] of parts.entries()) {
  console.log(`${index + 1}. ${name}`);
  await run(bootstrapServers);
}
