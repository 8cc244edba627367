// What all parts of this example share: the topic `stock-prices` with its types, and prices in it.

import {
  Consumer,
  type ConsumerOptions,
  defineTopics,
  json,
  Producer,
  string,
} from '../../src/client/index.ts';

export interface StockPrice {
  readonly dollars: number;
  readonly cents: number;
}

export const topics = defineTopics({
  'stock-prices': { key: string(), value: json<StockPrice>() },
});

export const topic = 'stock-prices';
export const partitionCount = 3;
export const stocks = ['IBM', 'SUN', 'GOOG', 'INTEL', 'UBER', 'LYFT'] as const;
export const pricesPerStock = 10;
export const priceCount = stocks.length * pricesPerStock;

export async function sendPrices(bootstrapServers: string): Promise<void> {
  const producer = new Producer({ bootstrapServers, topics });
  const sends: Promise<unknown>[] = [];
  for (let i = 0; i < pricesPerStock; i++) {
    for (const key of stocks) {
      sends.push(producer.send({ topic, key, value: { dollars: 100 + i, cents: i } }));
    }
  }
  await Promise.all(sends);
  await producer.close();
}

/** A member of a group of its own that begins at the first price, and commits when it is told. */
export function createConsumer(
  bootstrapServers: string,
  groupId: string,
  options: Partial<ConsumerOptions<typeof topics>> = {},
): Consumer<typeof topics> {
  return new Consumer({
    bootstrapServers,
    topics,
    groupId,
    autoOffsetReset: 'earliest',
    enableAutoCommit: false,
    ...options,
  });
}

/** Whether the consumer, which has all partitions, has read all prices. */
export function isAtEnd(consumer: Consumer<typeof topics>): boolean {
  const read = consumer.positions().reduce((sum, { offset }) => sum + offset, 0);
  return read >= priceCount;
}

/** A program that dies: it neither commits nor leaves the group in good order. */
export class Crash extends Error {}
