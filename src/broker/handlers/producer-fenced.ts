// PRODUCER_FENCED came with KIP-588: clients that speak an older version are told
// INVALID_PRODUCER_EPOCH, which they give up on likewise.

import { KafkaError } from '../../protocol/index.ts';

/** What it resolves to; where the version is older than the error, an older error for it. */
export async function withoutProducerFenced<T>(isOlder: boolean, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const isFenced = error instanceof KafkaError && error.errorName === 'PRODUCER_FENCED';
    throw isOlder && isFenced ? new KafkaError('INVALID_PRODUCER_EPOCH') : error;
  }
}
