// The promise (exactly once): when records are copied in transactions that commit the offsets of
// what was copied together with the copies, the output has every committed record of the input
// once, in the order of its partition, whatever happened to those who copied.
//
// It holds for copiers that ask their group coordinator for offsets that no transaction is about to
// change, that name their group in the transaction (KIP-447), and that go back to what is committed
// when they abort.

import { assert } from '../../src/base/assert.ts';
import { type PartitionContents, placeName } from './partition-contents.ts';
import { nameOf } from './record-identity.ts';

/** What a copy says of itself: the name of the record that it is a copy of. */
export const copyHeader = 'copy-of';

export interface Copies extends PartitionContents {
  /** Of each record in it, in their order. */
  readonly sources: readonly string[];
}

/** Both as they are read under read_committed. `isComplete`: the copiers had time to finish. */
export function assertCopiedOnce(
  input: PartitionContents,
  output: Copies,
  { isComplete }: { readonly isComplete: boolean },
): void {
  const place = placeName(output);
  const expected = input.records.map(nameOf);
  const { sources } = output;
  for (const [index, source] of sources.entries()) {
    const due = expected[index];
    if (source === due) continue;
    const isAgain = sources.indexOf(source) < index;
    const what = isAgain ? 'is copied twice' : `comes where "${due ?? 'nothing'}" was due`;
    assert(false, `"${source}" ${what} in ${place}`);
  }
  if (!isComplete) return;
  const left = expected[sources.length];
  assert(left === undefined, `"${left}" was never copied to ${place}`);
}
