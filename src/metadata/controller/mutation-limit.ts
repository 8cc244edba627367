// How much one request may still create and delete, counted topic by topic (KIP-599).
//
// Invariant: the topics that are served are those that would be if the client's account were asked
// before each of them: the first one that finds it overdrawn is refused, and so are those after it.

import { KafkaError } from '../../protocol/index.ts';
import type { LimitedMutations } from './api.ts';

export class MutationLimit {
  readonly #partitionsMax: number;
  #partitions = 0;

  constructor({ partitionMutationsMax }: LimitedMutations) {
    this.#partitionsMax = partitionMutationsMax ?? Number.POSITIVE_INFINITY;
  }

  /** @throws KafkaError THROTTLING_QUOTA_EXCEEDED when the topics before used up what was left */
  take(partitions: number): void {
    if (this.#partitions > this.#partitionsMax) {
      throw new KafkaError('THROTTLING_QUOTA_EXCEEDED', 'The throttling quota has been exceeded.');
    }
    this.#partitions += partitions;
  }
}
