// The promise (compaction): the last acknowledged value of every key is there, at the offset that
// it was given, unless a later update of the key is; of a key whose last word is a tombstone there
// may be nothing, once delete.retention.ms is over (KIP-534: readers have that long to see it).
// Whoever is there is in order, and was sent. What is younger than min.compaction.lag.ms is there
// whatever came after it.
//
// Nothing is promised for updates that were not acknowledged, nor about when anything goes.

import { assert } from '../../src/base/assert.ts';
import { describe, type KeyedContents, type KeyedLedger, type Update } from './keyed-ledger.ts';
import { placeName } from './partition-contents.ts';

export interface LastValueOptions {
  /** Updates with a later timestamp were too young to be compacted away. */
  readonly youngAfterMs?: number;
  /** Tombstones with a later timestamp may not be gone yet. Default: all may. */
  readonly tombstonesAfterMs?: number;
}

/** `contents`: what readers of committed records are handed. */
export function assertLastValues(
  ledger: KeyedLedger,
  contents: KeyedContents,
  options: LastValueOptions = {},
): void {
  const { youngAfterMs = Number.POSITIVE_INFINITY, tombstonesAfterMs = Number.POSITIVE_INFINITY } =
    options;
  const newest = newestOf(contents);
  const there = new Set(contents.updates);
  for (const [key, sent] of ledger.keysOf(contents)) {
    assertLastValue(key, sent, { newest: newest.get(key), tombstonesAfterMs });
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

function assertLastValue(
  key: string,
  sent: readonly Update[],
  found: { newest: Update | undefined; tombstonesAfterMs: number },
): void {
  const { newest, tombstonesAfterMs } = found;
  const last = sent.findLast(({ outcome }) => outcome === 'acknowledged');
  if (last === undefined) return;
  if (newest === undefined) {
    const tombstones = sent
      .slice(last.number)
      .filter(({ isTombstone, outcome }) => isTombstone && outcome !== 'aborted');
    const isDeleted = tombstones.length > 0;
    assert(isDeleted, `the last value of "${key}" is lost: ${describe(last)}`);
    const mayBeGone = tombstones.some(({ timestamp }) => timestamp <= tombstonesAfterMs);
    assert(mayBeGone, `${describe(last)} is gone before delete.retention.ms is over`);
    return;
  }
  const isLast = newest.number >= last.number;
  assert(isLast, `the last value of "${key}" is lost: ${describe(last)}, not ${describe(newest)}`);
}
