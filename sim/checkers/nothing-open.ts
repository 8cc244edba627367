// The promise (progress): no transaction stays open for ever. When its producer is dead its
// coordinator aborts it after its timeout, and what was decided reaches every partition: the last
// stable offset comes to the high watermark.

import { assert } from '../../src/base/assert.ts';
import { type Place, placeName } from './partition-contents.ts';

export interface StableEnd extends Place {
  readonly lastStableOffset: number;
  readonly highWatermark: number;
}

export function openPlaces(ends: readonly StableEnd[]): readonly StableEnd[] {
  return ends.filter(({ lastStableOffset, highWatermark }) => lastStableOffset < highWatermark);
}

/** When everything is healed and the longest timeout is over. */
export function assertNothingOpen(ends: readonly StableEnd[]): void {
  const open = openPlaces(ends).map(({ lastStableOffset, highWatermark, ...place }) => {
    return `${placeName(place)} is stable up to ${lastStableOffset} of ${highWatermark}`;
  });
  assert(open.length === 0, `a transaction is open for ever: ${open.join('; ')}`);
}
