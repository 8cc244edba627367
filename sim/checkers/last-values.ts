// The promise (compaction): the last acknowledged value of every key is there, at the offset that
// it was given, unless a later update of the key is; of a key whose last word is a tombstone there
// may be nothing. Whoever is there is in order, and was sent. What is younger than
// min.compaction.lag.ms is there whatever came after it.
//
// Nothing is promised for updates that were not acknowledged, nor about when anything goes.

import { assert } from '../../src/base/assert.ts';
import { describe, type KeyedContents, type KeyedLedger, type Update } from './keyed-ledger.ts';
import { placeName } from './partition-contents.ts';

export interface LastValueOptions {
  /** Updates with a later timestamp were too young to be compacted away. */
  readonly youngAfterMs?: number;
}

/** `contents`: what readers of committed records are handed. */
export function assertLastValues(
  ledger: KeyedLedger,
  contents: KeyedContents,
  { youngAfterMs = Number.POSITIVE_INFINITY }: LastValueOptions = {},
): void {
  const newest = newestOf(contents);
  const there = new Set(contents.updates);
  for (const [key, sent] of ledger.keysOf(contents)) {
    assertLastValue(key, sent, newest.get(key));
    for (const update of sent) {
      if (update.outcome !== 'acknowledged' || update.timestamp <= youngAfterMs) continue;
      assert(there.has(update), `${describe(update)} is gone, and too young for that`);
    }
  }
}

/** The last of each key; throws if they are not in the order in which they were sent. */
function newestOf(contents: KeyedContents): ReadonlyMap<string, Update> {
  const newest = new Map<string, Update>();
  let lastOffset = -1;
  for (const update of contents.updates) {
    const where = `${describe(update)} at ${placeName(contents)} offset ${update.offset}`;
    assert(update.offset > lastOffset, `${where} comes behind offset ${lastOffset}`);
    const before = newest.get(update.key);
    const isInOrder = before === undefined || update.number > before.number;
    assert(isInOrder, `${where} comes after update ${before?.number}`);
    newest.set(update.key, update);
    lastOffset = update.offset;
  }
  return newest;
}

function assertLastValue(key: string, sent: readonly Update[], newest: Update | undefined): void {
  const last = sent.findLast(({ outcome }) => outcome === 'acknowledged');
  if (last === undefined) return;
  if (newest === undefined) {
    const mayBeDeleted = sent
      .slice(last.number)
      .some(({ isTombstone, outcome }) => isTombstone && outcome !== 'aborted');
    assert(mayBeDeleted, `the last value of "${key}" is lost: ${describe(last)}`);
    return;
  }
  const isLast = newest.number >= last.number;
  assert(isLast, `the last value of "${key}" is lost: ${describe(last)}, not ${describe(newest)}`);
}
