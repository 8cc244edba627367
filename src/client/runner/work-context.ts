// What a handler is told beside its records, and how it is told to end.

import { branded } from '../../base/brand.ts';

/** Why the signal of a handler fires: its time is over, or the partition is not ours any more. */
export class WorkAbortedError extends Error {
  static {
    branded(WorkAbortedError, 'WorkAbortedError');
  }
  readonly code = 'WORK_ABORTED';
  readonly retriable = true;
  readonly fatal = false;
  readonly abortable = false;
  readonly hint = 'End the handler: what it does from now on is not committed.';
  readonly reason: 'timeout' | 'revoked' | 'lost' | 'stopped';

  constructor(reason: WorkAbortedError['reason'], message: string) {
    super(message);
    this.name = 'WorkAbortedError';
    this.reason = reason;
  }
}

export interface WorkContext {
  /** 1 for the first one; attempts that came by way of a retry topic count on. */
  readonly attempt: number;
  /**
   * Fires, with a WorkAbortedError, when the handler takes longer than handlerTimeoutMs, or what
   * it does can not be committed any more. Hand it to `fetch`, to the driver of a database …
   */
  readonly signal: AbortSignal;
}

/** Makes the signal only for a handler that asks for it. */
export class AttemptContext implements WorkContext {
  readonly attempt: number;
  #controller: AbortController | null = null;
  #abortedBy: WorkAbortedError | null = null;

  constructor(attempt: number) {
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#abortedBy !== null) this.#controller.abort(this.#abortedBy);
    }
    return this.#controller.signal;
  }

  get abortedBy(): WorkAbortedError | null {
    return this.#abortedBy;
  }

  abort(error: WorkAbortedError): void {
    this.#abortedBy ??= error;
    this.#controller?.abort(this.#abortedBy);
  }
}
