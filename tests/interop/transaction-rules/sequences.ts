// Which sequence a batch has: where the producer is in a partition, and where it pretends to be.

import type { Batch, Sequence } from './steps.ts';

/** The last one that was stored. */
export interface SentBatch {
  readonly next: number;
  readonly baseSequence: number;
  readonly count: number;
}

export function sequenceOf({ sequence, count }: Batch, sent: SentBatch | undefined) {
  const next = sent?.next ?? 0;
  const asked: Record<Sequence, number> = {
    ...{ next, gap: next + 2, again: next, overlap: Math.max(0, next - 1), zero: 0, none: -1 },
  };
  if (sequence === 'again' && sent !== undefined) return sent;
  return { baseSequence: asked[sequence], count };
}
