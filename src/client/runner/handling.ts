// One call of a handler: done when it has returned and its promise has resolved. One that takes too
// long gets its signal, and some time to end; then it counts as failed, whatever it does later.

import type { Clock, Timer } from '../../io/index.ts';
import { type AttemptContext, WorkAbortedError } from './work-context.ts';

export interface Patience {
  /** null: as long as it likes. */
  readonly timeoutMs: number | null;
  /** From its signal on. */
  readonly graceMs: number;
}

/**
 * null: it is done already. The promise never rejects: it resolves with the error, or with null.
 */
export function callHandler(
  clock: Clock,
  call: () => unknown,
  context: AttemptContext,
  patience: Patience,
): Promise<Failed | null> | Failed | null {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    return new Failed(error);
  }
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== 'function') return null;
  const settled = Promise.resolve(result as PromiseLike<unknown>).then(
    () => null,
    (error: unknown) => new Failed(error),
  );
  const { timeoutMs, graceMs } = patience;
  if (timeoutMs === null) return settled;
  return new Promise((resolve) => {
    let timer: Timer = clock.after(timeoutMs, () => {
      const message = `the handler has not ended within ${timeoutMs} ms (handlerTimeoutMs)`;
      const error = new WorkAbortedError('timeout', message);
      context.abort(error);
      timer = clock.after(graceMs, () => resolve(new Failed(error)));
    });
    void settled.then((failed) => {
      timer.cancel();
      resolve(failed);
    });
  });
}

/** What the handler threw, be it `null`. */
export class Failed {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}
