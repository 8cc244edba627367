// A price, how it is written into a record, and the topic that has such records.

import { defineTopics, type Serde, string } from '../../src/client/index.ts';

export interface StockPrice {
  readonly name: string;
  readonly dollars: number;
  readonly cents: number;
}

/** The StockPriceSerializer of the lab, both ways. */
export const stockPriceSerde: Serde<StockPrice> = {
  serialize: (_topic, { name, dollars, cents }) =>
    Buffer.from(JSON.stringify({ dollars, cents, name })),
  deserialize: (_topic, bytes) => JSON.parse(bytes.toString()) as StockPrice,
};

export const topics = defineTopics({ 'stock-prices': { key: string(), value: stockPriceSerde } });
