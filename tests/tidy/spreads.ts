// Spreads into the arguments of a call: each item is handed over on the stack, so that a list of
// some hundred thousand ends in a RangeError. pushAll (src/base) and a reduce do without.

import { codeOnly } from './sources.ts';

/** Calls whose list has a bound that no data and no client moves. Only ever shorter. */
export const allowedSpreads: ReadonlyMap<string, readonly string[]> = new Map([
  // The commands of the program.
  ['src/cli/main.ts', ['Object.keys(commands).map((name) => name.length)']],
  // One for each broker.
  [
    'src/cli/kafka-cluster.ts',
    [
      'endpoints.map(({ host }) => host.length)',
      'endpoints.map(({ rack }) => String(rack).length)',
    ],
  ],
  // What one batch is split into: it was of batch.size, and so are they.
  ['src/client/producer/partition-queue.ts', ['parts', 'batches']],
]);

export interface Spread {
  /** 1-based. */
  readonly line: number;
  /** What is spread, up to the next argument or the end of the call. */
  readonly text: string;
}

/** `f(...list)`, but neither `[...list]`, `{ ...object }` nor a rest parameter. */
export function spreadsIn(text: string): Spread[] {
  const code = codeOnly(text);
  const found: Spread[] = [];
  const open: string[] = [];
  for (let at = 0; at < code.length; at++) {
    const character = code[at] as string;
    if ('([{'.includes(character)) open.push(character);
    if (')]}'.includes(character)) open.pop();
    if (!code.startsWith('...', at)) continue;
    const end = endOfArgument(code, at + 3);
    if (open.at(-1) === '(' && !isParameter(code, at + 3, end)) {
      const line = code.slice(0, at).split('\n').length;
      found.push({ line, text: text.slice(at + 3, end).trim() });
    }
    at += 2;
  }
  return found;
}

function endOfArgument(code: string, start: number): number {
  let depth = 0;
  for (let at = start; at < code.length; at++) {
    const character = code[at] as string;
    if (depth === 0 && ',)'.includes(character)) return at;
    if ('([{'.includes(character)) depth++;
    if (')]}'.includes(character)) depth--;
  }
  return code.length;
}

/** `...name: Type`, or the last parameter of an arrow function. */
function isParameter(code: string, start: number, end: number): boolean {
  const isTyped = /^\s*\w+\s*:/.test(code.slice(start, end));
  return isTyped || /^,?\s*\)\s*=>/.test(code.slice(end));
}
