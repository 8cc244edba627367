// The promise (progress): a log whose policy is compact is compacted in the end. When nobody writes
// to it any more, its last segment has just begun, and every lag is over, each key is there once.

import { assert } from '../../src/base/assert.ts';
import { describe, type KeyedContents, type Update } from './keyed-ledger.ts';
import { placeName } from './partition-contents.ts';

/** An update that a later one of the same key has made superfluous, or null. */
export function superfluousIn({ updates }: KeyedContents): Update | null {
  const newest = new Map(updates.map((update) => [update.key, update]));
  return updates.find((update) => newest.get(update.key) !== update) ?? null;
}

export function assertCompacted(contents: KeyedContents): void {
  const update = superfluousIn(contents);
  if (update === null) return;
  const where = `${placeName(contents)} offset ${update.offset}`;
  assert(false, `${describe(update)} is never compacted away: ${where}`);
}
