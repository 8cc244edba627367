// A wait that somebody else may never end, and its bound.

import { Deferred } from '../base/deferred.ts';
import type { Clock } from '../io/index.ts';

/** Resolves when the work has ended, or with false when so much time has passed. */
export async function endsWithin(
  clock: Clock,
  boundMs: number,
  work: Promise<unknown>,
): Promise<boolean> {
  const ended = new Deferred<boolean>();
  const timer = clock.after(boundMs, () => ended.resolve(false));
  work.then(() => ended.resolve(true), ended.reject);
  try {
    return await ended.promise;
  } finally {
    timer.cancel();
  }
}
