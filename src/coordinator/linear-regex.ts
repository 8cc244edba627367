// Regular expressions that clients send, in RE2's syntax as in Kafka: they match in time linear in
// the text, so that none runs for ever. The library (a quarter of a MiB) is loaded when the first
// one comes, in place: few clusters see any, and every broker would start later for it.
//
// Invariant: no expression is compiled before a bound on its size is known. The compiler writes
// repeats out: `a{1000}` is a thousand instructions, and RE2 bounds those in one another only.

import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { KafkaError } from '../protocol/index.ts';

const regexCharactersMax = 4096;
/** Instructions of a compiled expression: most have a few dozen. */
const programSizeMax = 2000;
/** Of the estimate, which is about twice the size of the program at the most. */
const estimateMax = 2 * programSizeMax;

/** A class of Unicode has hundreds of ranges, which are merged and folded for each mention. */
const unicodeClassSize = 10;
const unicodeClass = /\\p/gi;

/** Quotes, escapes, classes and beginnings of groups, whole: what is in them is not structure. */
const token = new RegExp(
  [
    '\\\\Q[^]*?(?:\\\\E|$)',
    '\\\\[xpP]\\{[^}]{0,64}\\}',
    '\\\\[^]',
    '\\[\\^?\\]?(?:\\[:\\^?\\w{1,10}:\\]|\\\\[^]|[^\\]\\\\])*\\]?',
    '\\((?:\\?(?:P?<\\w{1,64}>|[a-zA-Z-]{0,10}:))?',
    '\\{(?<least>\\d+)(?:,(?<most>\\d*))?\\}',
    '[^]',
  ].join('|'),
  'g',
);

let library: typeof import('re2js') | null = null;

/** @throws KafkaError INVALID_REGULAR_EXPRESSION, with what `explain` makes of the reason */
export function compileLinearRegex(regex: string, explain: (reason: string) => string): RE2JS {
  if (regex.length > regexCharactersMax) {
    throw invalid(explain(`longer than ${regexCharactersMax} characters`));
  }
  if (programSizeEstimate(regex) > estimateMax) throw invalid(explain('too large'));
  library ??= createRequire(import.meta.url)('re2js') as typeof import('re2js');
  let compiled: RE2JS;
  try {
    compiled = library.RE2JS.compile(regex);
  } catch (error) {
    if (!(error instanceof library.RE2JSException)) throw error;
    throw invalid(explain(error.message));
  }
  if (compiled.programSize() > programSizeMax) throw invalid(explain('too large'));
  return compiled;
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_REGULAR_EXPRESSION', message);
}

/** At least the instructions that the expression compiles to, by one pass over its text. */
export function programSizeEstimate(regex: string): number {
  /** Of the groups that are open: all of each so far. */
  const sizes = [0];
  /** What a repeat that comes next would repeat; part of the innermost size. */
  let last = 0;
  const add = (size: number): void => {
    sizes.push((sizes.pop() ?? 0) + size);
  };
  for (const { 0: text, groups } of regex.matchAll(token)) {
    const { least, most } = groups ?? {};
    if (least !== undefined) {
      const copies = Math.max(1, Number(least) + 1, Number(most ?? 0));
      const repeated = (last + 1) * copies;
      add(repeated - last);
      last = repeated;
    } else if (text.startsWith('(')) {
      sizes.push(2);
    } else if (text === ')') {
      last = sizes.pop() ?? 0;
      add(last);
    } else if (text === '*' || text === '+' || text === '?') {
      last += 1;
      add(1);
    } else {
      const isQuote = text.startsWith('\\Q');
      const classCount = isQuote ? 0 : [...text.matchAll(unicodeClass)].length;
      last = (isQuote ? text.length : 1) + classCount * unicodeClassSize;
      add(last);
    }
  }
  return sizes.reduce((sum, size) => sum + size, 0);
}
