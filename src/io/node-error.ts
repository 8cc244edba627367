// Translates the errors of Node's system calls: the code stays, the message says what was tried
// on which path or address and what the system answered.

import { getSystemErrorMap } from 'node:util';
import { IoError } from './io.ts';

export function ioError(action: string, cause: unknown): IoError {
  const error = cause as NodeJS.ErrnoException;
  const code = error.code ?? 'UNKNOWN';
  const known = error.errno === undefined ? undefined : getSystemErrorMap().get(error.errno);
  const reason = known?.[1] ?? opensslReason(error) ?? error.message;
  return new IoError(code, `cannot ${action}: ${reason} (${code})`, { cause });
}

/** OpenSSL's errors have a message of several parts and lines, and the reason beside it. */
function opensslReason(error: Error): string | undefined {
  const { reason } = error as { reason?: unknown };
  return typeof reason === 'string' ? reason : undefined;
}
