// Translates the errors of Node's system calls: the code stays, the message says what was tried
// on which path or address and what the system answered.

import { getSystemErrorMap } from 'node:util';
import { IoError } from './io.ts';

export function ioError(action: string, cause: unknown): IoError {
  const error = cause as NodeJS.ErrnoException;
  const code = error.code ?? 'UNKNOWN';
  const known = error.errno === undefined ? undefined : getSystemErrorMap().get(error.errno);
  const reason = known?.[1] ?? error.message;
  return new IoError(code, `cannot ${action}: ${reason} (${code})`, { cause });
}
