// What must hold of the counts that a stream application wrote with exactly-once processing: every
// count that a name ever had is there once and in order, 1, 2, 3 and so on to the last, and no
// other. A lost record leaves a gap or an end too soon, a repeated one a number too many, and half
// a transaction a count without its update or the other way round. Pure: records in, sentences
// about what is wrong out.

import type { SeenRecord } from '../transactional/transaction-judge.ts';

/** By name: a word, or a word and the beginning of its window. */
export type Counts = ReadonlyMap<string, number>;

export interface Word {
  readonly word: string;
  readonly timestamp: number;
}

export function countsOf(words: readonly Word[]): Counts {
  return tally(words.map(({ word }) => word));
}

export function countsOfWindows(words: readonly Word[], windowMs: number): Counts {
  return tally(words.map(({ word, timestamp }) => `${word}@${timestamp - (timestamp % windowMs)}`));
}

function tally(names: readonly string[]): Counts {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** What is wrong with the counts that were written, as records "name count". */
export function judgeCounting(expected: Counts, written: readonly SeenRecord[]): string[] {
  const problems: string[] = [];
  const last = new Map<string, number>();
  const places = new Map<string, string>();
  for (const { partition, offset, value } of written) {
    const [name = '', text] = value.split(' ');
    const [count, before] = [Number(text), last.get(name) ?? 0];
    const place = places.get(name) ?? partition;
    if (place !== partition) problems.push(`${name} is in ${partition} and in ${place}`);
    if (count !== before + 1) {
      const word = count <= before ? 'again' : 'too soon';
      problems.push(`${partition} at ${offset}: ${name} is ${count} ${word}, after ${before}`);
    }
    last.set(name, count);
    places.set(name, partition);
  }
  return [...problems, ...judgeCounts(expected, last)];
}

/** What is wrong with the last counts. */
export function judgeCounts(expected: Counts, counted: Counts): string[] {
  const names = new Set([...expected.keys(), ...counted.keys()]);
  return [...names]
    .filter((name) => expected.get(name) !== counted.get(name))
    .map((name) => `${name} is ${counted.get(name)} instead of ${expected.get(name)}`);
}
