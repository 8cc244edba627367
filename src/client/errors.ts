// What every error that the client throws has: which kind it is, where it happened, and what to do
// (`hint`). KafkaError has it from here; errors of the system and of the program are made or
// completed here.
//
// Invariant: an error is recognised by its brand (base/brand.ts), so that one of another copy of
// this library is an instance of the same class.

import { branded, namesOf } from '../base/brand.ts';
import { IoError, TlsError } from '../io/index.ts';
import {
  type ErrorName,
  type ErrorPlace,
  KafkaError,
  setErrorHints,
  withPlace,
} from '../protocol/index.ts';
import { errorHints, ownErrors, systemHints, unknownSystemHint } from './error-hints.ts';

/** Every error that a client throws or reports. */
export interface ClientError extends Error, ErrorPlace {
  /** Kafka's number, the system's name (`ECONNREFUSED`), or one of ours (`ILLEGAL_STATE` …). */
  readonly code: number | string;
  /** The same call may succeed later. */
  readonly retriable: boolean;
  /** This client cannot go on: replace it, or change its rights, settings or records first. */
  readonly fatal: boolean;
  /** The transaction must be aborted; the producer may go on. */
  readonly abortable: boolean;
  /** What to do, in a sentence. */
  readonly hint: string;
}

setErrorHints(({ errorName }) => errorHints[errorName as Exclude<ErrorName, 'NONE'>] ?? '');

/** Of an error of ours. */
function hintFor(code: string): string {
  return ownErrors[code]?.[1] ?? '';
}

/** Whether an error is one of this library, be it of another copy. */
export function isClientError(error: unknown): error is ClientError {
  return namesOf(error).length > 0;
}

/** A call that is not possible now, such as `send` after `close`. */
export class IllegalStateError extends Error implements ClientError {
  static {
    branded(IllegalStateError, 'IllegalStateError');
  }
  readonly code = 'ILLEGAL_STATE';
  readonly retriable = false;
  readonly fatal: boolean;
  readonly abortable = false;
  readonly hint: string;

  constructor(message: string, hint = hintFor('ILLEGAL_STATE'), isFatal = false) {
    super(message);
    this.name = 'IllegalStateError';
    this.hint = hint;
    this.fatal = isFatal;
  }
}

/** The client was closed; a closed client stays closed. */
export function closedError(what: 'producer' | 'consumer' | 'admin client' | 'client'): Error {
  const hint = `Make a new ${what}, or close this one only when nothing uses it any more.`;
  return new IllegalStateError(`the ${what} is closed`, hint, true);
}

/** A value that no call takes: a record, an offset, a name. */
export class InvalidArgumentError extends TypeError implements ClientError {
  static {
    branded(InvalidArgumentError, 'InvalidArgumentError');
  }
  readonly code = 'INVALID_ARGUMENT';
  readonly retriable = false;
  readonly fatal = false;
  readonly abortable = false;
  readonly hint: string;

  constructor(message: string, hint = hintFor('INVALID_ARGUMENT')) {
    super(message);
    this.name = 'InvalidArgumentError';
    this.hint = hint;
  }
}

/** An error of the system or of TLS, with what every error of a client has. */
export function explained(error: Error, place: ErrorPlace): Error {
  if (!(error instanceof IoError))
    return error instanceof KafkaError ? withPlace(error, place) : error;
  const isRefusal = error instanceof TlsError;
  const hint = systemHints[error.code] ?? (isRefusal ? systemHints.TLS : unknownSystemHint);
  Object.assign(error, { retriable: !isRefusal, fatal: isRefusal, abortable: false, hint });
  return withPlace(error, place);
}
