// The error of an option of a client.

import { branded } from '../base/brand.ts';
import { ownErrors } from './error-hints.ts';

/** An option that makes no sense. The message names it, its value and what is possible. */
export class ClientConfigError extends Error {
  static {
    branded(ClientConfigError, 'ClientConfigError');
  }
  readonly code = 'INVALID_OPTION';
  readonly retriable = false;
  readonly fatal = true;
  readonly abortable = false;
  readonly hint: string = ownErrors.INVALID_OPTION?.[1] ?? '';

  constructor(message: string) {
    super(message);
    this.name = 'ClientConfigError';
  }
}
