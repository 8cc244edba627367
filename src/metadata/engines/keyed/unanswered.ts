// Questions that a store may leave unanswered for a while.
//
// Invariant: only what may be asked twice is asked again: of a change whose answer was lost nobody
// knows whether it was made (key-store.ts).

import type { Clock } from '../../../io/index.ts';
import type { KafkaError } from '../../../protocol/index.ts';
import { StoreAwayError, UnknownChangeError } from './key-store.ts';

/** A store that does not answer is asked for so long. */
const awayMsMax = 30_000;
const retryMs = 200;

/** The store did not answer, or not in time: it is asked again. */
export function isUnanswered(error: unknown): error is KafkaError {
  return error instanceof StoreAwayError || error instanceof UnknownChangeError;
}

/** Asks until there is an answer, the store is away for too long, or nobody wants to know. */
export async function answered<T>(
  clock: Clock,
  ask: () => Promise<T>,
  isOver = () => false,
): Promise<T> {
  const deadlineMs = clock.monotonic() + awayMsMax;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isUnanswered(error) || isOver() || clock.monotonic() >= deadlineMs) throw error;
    }
    await clock.sleep(retryMs);
  }
}
