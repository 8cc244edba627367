// Reads what the producer wrote: as many prices as it said, whole, and in the partitions in which
// its partitioner wants them.

import assert from 'node:assert/strict';
import { Consumer } from '../../src/client/index.ts';
import { topics } from './stock-price.ts';

const [, , bootstrapServers = '', expected = ''] = process.argv;
const consumer = new Consumer({ bootstrapServers, topics, autoOffsetReset: 'earliest' });
consumer.assign([0, 1, 2].map((partition) => ({ topic: 'stock-prices', partition })));

const stocksOf = [0, 1, 2].map(() => new Set<string>());
let count = 0;
for await (const { partition, key, value } of consumer) {
  assert.ok(value !== null && value.name === key && value.dollars > 0 && value.cents < 100);
  stocksOf[partition]?.add(value.name);
  if (++count === Number(expected)) break;
}
await consumer.close();
assert.deepEqual([...(stocksOf[2] ?? [])].sort(), ['IBM', 'UBER'], 'important ones are alone');
assert.equal(
  stocksOf.reduce((sum, stocks) => sum + stocks.size, 0),
  6,
  'a stock has one partition',
);
