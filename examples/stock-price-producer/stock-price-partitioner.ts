// Important stocks have the last partition for themselves, all others share the rest.

import type { Partitioner } from '../../src/client/index.ts';

export class StockPricePartitioner implements Partitioner {
  readonly #important: ReadonlySet<string>;

  constructor(importantStocks: readonly string[]) {
    this.#important = new Set(importantStocks);
  }

  partition: Partitioner['partition'] = ({ key }, { partitions }) => {
    const last = partitions.length - 1;
    if (last === 0 || this.#important.has(String(key))) return last;
    return hashOf(String(key)) % last;
  };
}

function hashOf(text: string): number {
  let hash = 0;
  for (const character of text) hash = (hash * 31 + character.charCodeAt(0)) % 1_000_003;
  return hash;
}
