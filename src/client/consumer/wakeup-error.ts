// The error with which `wakeup` ends a poll.

import { branded } from '../../base/brand.ts';

/** `poll` throws it, once, after `wakeup`: nothing is lost, the next poll goes on. */
export class WakeupError extends Error {
  static {
    branded(WakeupError, 'WakeupError');
  }
  readonly code = 'WAKEUP';
  readonly retriable = true;
  readonly fatal = false;
  readonly abortable = false;
  readonly hint = 'Poll again, or close the consumer.';

  constructor() {
    super('the poll was ended by wakeup()');
    this.name = 'WakeupError';
  }
}
