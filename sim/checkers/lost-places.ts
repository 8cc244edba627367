// The promise: when a log directory goes away under a running broker, nothing is acknowledged into
// it any more after a short time (nobody would ever find it again), and what the other directories
// have goes on.
//
// What was acknowledged before the loss, or within that time, may be gone with the directory.

import { assert } from '../../src/base/assert.ts';
import { type Place, placeName } from './partition-contents.ts';

export interface Attempt {
  readonly place: Place;
  /** Of the world, not of a host's clock. */
  readonly sentMs: number;
  /** -1: it was refused, or nobody knows. */
  readonly acknowledgedMs: number;
}

export interface Loss {
  readonly places: readonly Place[];
  readonly lostMs: number;
  /** After so long nothing that is sent is acknowledged. */
  readonly boundMs: number;
}

export function assertNothingIntoTheVoid(attempts: Iterable<Attempt>, loss: Loss): void {
  const lost = new Set(loss.places.map(placeName));
  const endMs = loss.lostMs + loss.boundMs;
  for (const { place, sentMs, acknowledgedMs } of attempts) {
    if (acknowledgedMs < 0 || sentMs <= endMs || !lost.has(placeName(place))) continue;
    const what = `a record sent to ${placeName(place)} ${Math.round(sentMs - loss.lostMs)} ms`;
    assert(false, `${what} after its directory was lost is acknowledged`);
  }
}

/** To be asked when the clients had time for it. */
export function assertOthersGoOn(attempts: readonly Attempt[], loss: Loss, others: Place[]): void {
  const endMs = loss.lostMs + loss.boundMs;
  for (const other of others) {
    const name = placeName(other);
    const isServed = attempts.some(
      ({ place, sentMs, acknowledgedMs }) =>
        placeName(place) === name && sentMs > endMs && acknowledgedMs >= 0,
    );
    assert(isServed, `${name} takes no records though its directory is there`);
  }
}
