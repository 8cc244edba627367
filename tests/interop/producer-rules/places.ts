// Which sequence a batch has: where its producer is in a partition, and where it pretends to be.

import { sequenceAfter } from '../../../src/protocol/index.ts';
import type { Batch } from './steps.ts';

export interface Numbered {
  readonly baseSequence: number;
  readonly count: number;
}

/** What became of a producer's batches of one epoch in one partition. */
export interface History {
  /** In the order in which they were stored. */
  readonly stored: Numbered[];
  refused: Numbered | null;
}

const modulus = 2 ** 31;
const farAhead = 40;

export function placeOf({ place, back, count }: Batch, history: History): Numbered {
  const { stored, refused } = history;
  const newest = stored.at(-1);
  const next = newest === undefined ? 0 : sequenceAfter(newest.baseSequence, newest.count);
  const one = stored[Math.max(0, stored.length - 1 - back)] ??
    refused ?? { baseSequence: 0, count };
  const half = (of: Numbered) => Math.ceil(of.count / 2);
  const of = (baseSequence: number, many = count): Numbered => ({ baseSequence, count: many });
  const head = (whole: Numbered) => of(whole.baseSequence, half(whole));
  const tail = (whole: Numbered) =>
    of(sequenceAfter(whole.baseSequence, half(whole)), Math.max(1, whole.count - half(whole)));
  const other = refused ?? one;
  switch (place) {
    case 'next':
      return of(next);
    case 'again':
      return one;
    case 'lower':
      return of(((stored[0]?.baseSequence ?? 0) + modulus - count - (back % 2)) % modulus);
    case 'gap':
      return of(sequenceAfter(next, 1 + (back % 3)));
    case 'far':
      return of(sequenceAfter(next, farAhead));
    case 'overlap':
      return of(Math.max(0, next - 1));
    case 'zero':
      return of(0);
    case 'head':
      return head(one);
    case 'tail':
      return tail(one);
    case 'wider':
      return of(one.baseSequence, one.count + 1);
    case 'refused':
      return other;
    case 'refused head':
      return head(other);
    case 'refused tail':
      return tail(other);
    case 'last':
      return of(modulus - 1 - (back % 3));
    case 'none':
      return of(-1);
  }
}
