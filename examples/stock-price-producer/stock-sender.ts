// Sends somewhat random prices of one stock, with pauses, until it is told to stop. The lab has a
// thread for each; here each is a function that waits.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from '../../src/client/index.ts';
import type { StockPrice, topics } from './stock-price.ts';

export interface StockRange {
  readonly name: string;
  readonly lowDollars: number;
  readonly highDollars: number;
  readonly delayMsMax: number;
}

export async function sendPrices(
  producer: Producer<typeof topics>,
  range: StockRange,
  stopping: AbortSignal,
): Promise<number> {
  let sentCount = 0;
  for (let price = randomPrice(range); !stopping.aborted; price = changed(price, range)) {
    const record = { topic: 'stock-prices', key: price.name, value: price } as const;
    const sent = producer.send(record);
    sentCount++;
    if (sentCount % 100 === 0) {
      // Of one in a hundred the outcome is awaited and shown.
      const { topic, partition, offset, timestamp } = await sent;
      const where = `topic=${topic} part=${partition} off=${offset}`;
      console.log(`key=${record.key} sent to ${where} at ${new Date(timestamp).toISOString()}`);
    } else sent.catch((error: unknown) => console.error('not delivered:', error));
    await sleep(Math.random() * range.delayMsMax);
  }
  return sentCount;
}

function randomPrice({ name, lowDollars, highDollars }: StockRange): StockPrice {
  const dollars = lowDollars + Math.floor(Math.random() * (highDollars - lowDollars));
  return { name, dollars, cents: Math.floor(Math.random() * 100) };
}

function changed(price: StockPrice, range: StockRange): StockPrice {
  const change = Math.floor(Math.random() * 3) - 1;
  const dollars = Math.min(range.highDollars, Math.max(range.lowDollars, price.dollars + change));
  return { ...price, dollars, cents: Math.floor(Math.random() * 100) };
}
