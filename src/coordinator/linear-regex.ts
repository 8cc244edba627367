// Regular expressions that clients send, in RE2's syntax as in Kafka: they match in time linear in
// the text, so that none runs for ever. The library (a quarter of a MiB) is loaded when the first
// one comes, in place: few clusters see any, and every broker would start later for it.

import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { KafkaError } from '../protocol/index.ts';

let library: typeof import('re2js') | null = null;

/** @throws KafkaError INVALID_REGULAR_EXPRESSION, with what `explain` makes of the reason */
export function compileLinearRegex(regex: string, explain: (reason: string) => string): RE2JS {
  library ??= createRequire(import.meta.url)('re2js') as typeof import('re2js');
  try {
    return library.RE2JS.compile(regex);
  } catch (error) {
    if (!(error instanceof library.RE2JSException)) throw error;
    throw new KafkaError('INVALID_REGULAR_EXPRESSION', explain(error.message));
  }
}
