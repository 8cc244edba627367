// Producer ids for idempotent producers, handed out from blocks that the controller allocates
// (KIP-730), so that no id is ever given twice in the life of a cluster.
//
// Invariant: an id is handed out once; a block that a crash leaves unfinished is lost, not reused.

import type { ProducerIdBlock } from '../metadata/index.ts';
import { type ErrorName, KafkaError } from '../protocol/index.ts';
import { isExpectedFailure } from '../storage/index.ts';

export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>;
  #next = 0;
  #end = 0;
  #allocating: Promise<void> | null = null;

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate;
  }

  /**
   * Has a block before the first id is asked for, so that producers can begin while no controller
   * is there. Whoever asks tries again what fails here.
   */
  async prepare(): Promise<void> {
    try {
      if (this.#next >= this.#end) await this.#refillOnce();
    } catch (error) {
      if (!isExpectedFailure(error)) throw error;
    }
  }

  /**
   * @throws KafkaError as the controller does; COORDINATOR_LOAD_IN_PROGRESS while this broker's own
   * registration is being renewed, which is nothing that its clients did
   */
  async next(): Promise<number> {
    while (this.#next >= this.#end) await this.#refillOnce();
    return this.#next++;
  }

  #refillOnce(): Promise<void> {
    this.#allocating ??= this.#refill().finally(() => {
      this.#allocating = null;
    });
    return this.#allocating;
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
