// The promise: a producer id is handed out once in the life of a cluster, whatever happens to the
// brokers in between.

import { assert } from '../../src/base/assert.ts';

export class ProducerIdsOnce {
  readonly #seen = new Set<number>();

  get count(): number {
    return this.#seen.size;
  }

  onProducerId(producerId: number): void {
    assert(producerId >= 0, `producer id ${producerId} is none`);
    assert(!this.#seen.has(producerId), `producer id ${producerId} was handed out twice`);
    this.#seen.add(producerId);
  }
}
