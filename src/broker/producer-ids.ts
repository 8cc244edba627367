// Producer ids for idempotent producers, handed out from blocks that the controller allocates
// (KIP-730), so that no id is ever given twice in the life of a cluster.
//
// Invariant: an id is handed out once; a block that a crash leaves unfinished is lost, not reused.

import type { ProducerIdBlock } from '../metadata/index.ts';

export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>;
  #next = 0;
  #end = 0;
  #allocating: Promise<void> | null = null;

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate;
  }

  /** @throws KafkaError as the controller does */
  async next(): Promise<number> {
    while (this.#next >= this.#end) {
      this.#allocating ??= this.#refill().finally(() => {
        this.#allocating = null;
      });
      await this.#allocating;
    }
    return this.#next++;
  }

  async #refill(): Promise<void> {
    const block = await this.#allocate();
    this.#next = block.firstProducerId;
    this.#end = block.firstProducerId + block.count;
  }
}
