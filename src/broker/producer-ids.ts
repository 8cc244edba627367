// Producer ids for idempotent producers, handed out from blocks that the controller allocates
// (KIP-730), so that no id is ever given twice in the life of a cluster.
//
// Invariant: an id is handed out once; a block that a crash leaves unfinished is lost, not reused.

import type { ProducerIdBlock } from '../metadata/index.ts';
import { type ErrorName, KafkaError } from '../protocol/index.ts';

export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>;
  #next = 0;
  #end = 0;
  #allocating: Promise<void> | null = null;

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate;
  }

  /**
   * @throws KafkaError as the controller does; COORDINATOR_LOAD_IN_PROGRESS while this broker's own
   * registration is being renewed, which is nothing that its clients did
   */
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
    const block = await this.#allocate().catch((error: unknown) => {
      const isRenewed = error instanceof KafkaError && ofRegistration.has(error.errorName);
      throw isRenewed ? new KafkaError('COORDINATOR_LOAD_IN_PROGRESS') : error;
    });
    this.#next = block.firstProducerId;
    this.#end = block.firstProducerId + block.count;
  }
}

const ofRegistration: ReadonlySet<string> = new Set<ErrorName>([
  'STALE_BROKER_EPOCH',
  'BROKER_ID_NOT_REGISTERED',
]);
