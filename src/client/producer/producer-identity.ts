// The producer id and epoch under which an idempotent producer numbers its batches. They come
// from InitProducerId; the epoch is raised locally when a sequence has to begin again (KIP-360),
// which a broker accepts from a producer that is not transactional. That of a transactional
// producer comes from its coordinator (transaction-requests.ts) and is never raised here.

import { assert } from '../../base/assert.ts';
import { initProducerId, KafkaError } from '../../protocol/index.ts';
import type { Client } from '../client.ts';

const epochMax = 32767;

export class ProducerIdentity {
  readonly isTransactional: boolean;
  readonly #client: Client;
  producerId = -1;
  producerEpoch = -1;
  #acquiring: Promise<void> | null = null;

  constructor(client: Client, isTransactional: boolean) {
    this.#client = client;
    this.isTransactional = isTransactional;
  }

  get isKnown(): boolean {
    return this.producerId >= 0;
  }

  become(producerId: number, producerEpoch: number): void {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
  }

  /** Rejects when the brokers refuse, or nobody answers within the time. */
  acquire(timeoutMs: number): Promise<void> {
    this.#acquiring ??= this.#acquire(timeoutMs).finally(() => {
      this.#acquiring = null;
    });
    return this.#acquiring;
  }

  /** After the last epoch a new producer id is needed: `isKnown` turns false. */
  raiseEpoch(): void {
    assert(!this.isTransactional, 'the coordinator alone raises the epoch of a transactional id');
    if (this.producerEpoch < epochMax) this.producerEpoch++;
    else this.producerId = -1;
  }

  async #acquire(timeoutMs: number): Promise<void> {
    await this.#client.retry(
      async (attempt) => {
        const answer = await this.#client.requestToAny(
          initProducerId,
          { transactionalId: null, transactionTimeoutMs: 0x7fff_ffff },
          { timeoutMs: attempt.timeoutMs },
        );
        if (answer.errorCode !== 0) throw KafkaError.fromCode(answer.errorCode);
        this.become(answer.producerId, answer.producerEpoch);
      },
      { timeoutMs },
    );
  }
}
