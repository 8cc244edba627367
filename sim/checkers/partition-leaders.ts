// The promises (leaders), as one client sees them that knows of leader epochs (KIP-320):
// - in one leader epoch there is one leader, whoever is asked;
// - in one leader epoch on one broker the high watermark never goes back;
// - the end of a partition never goes back, from one leader to the next either (KIP-207);
// - where somebody was told that the high watermark is, a fetch is not out of range, unless what
//   was there has been deleted.

import { assert } from '../../src/base/assert.ts';
import type { DiskLosses } from './disk-losses.ts';
import { type Place, placeName } from './partition-contents.ts';

export class PartitionLeaders {
  readonly #losses: DiskLosses;
  /** By place and epoch. */
  readonly #leaders = new Map<string, number>();
  /** By place, epoch and broker. */
  readonly #highWatermarks = new Map<string, number>();
  readonly #ends = new Map<string, { readonly offset: number; readonly by: string }>();
  readonly #newest = new Map<string, number>();

  constructor(losses: DiskLosses) {
    this.#losses = losses;
  }

  /** The newest epoch that anybody spoke of; -1 if nobody did. */
  newestEpoch(place: Place): number {
    return this.#newest.get(placeName(place)) ?? -1;
  }

  /** Whom each epoch up to the newest had for its leader; null where nobody was seen. */
  leadersOf(place: Place): (number | null)[] {
    return Array.from({ length: this.newestEpoch(place) + 1 }, (_, epoch) => {
      return this.#leaders.get(`${placeName(place)} ${epoch}`) ?? null;
    });
  }

  /** Somebody says, or shows by serving the epoch, that this broker leads. */
  onLeader(place: Place, epoch: number, nodeId: number): void {
    const key = `${placeName(place)} ${epoch}`;
    const known = this.#leaders.get(key) ?? nodeId;
    const what = `broker ${known} and broker ${nodeId} both lead ${placeName(place)}`;
    assert(known === nodeId, `${what} in leader epoch ${epoch}`);
    this.#leaders.set(key, nodeId);
    this.#newest.set(placeName(place), Math.max(this.newestEpoch(place), epoch));
  }

  /** A leader that was asked in this epoch told it, after whatever it told before. */
  onHighWatermark(place: Place, epoch: number, nodeId: number, offset: number): void {
    this.onLeader(place, epoch, nodeId);
    const key = `${placeName(place)} ${epoch} ${nodeId}`;
    const known = this.#highWatermarks.get(key) ?? 0;
    const what = `the high watermark of ${placeName(place)} at broker ${nodeId}`;
    assert(offset >= known, `${what} goes back from ${known} to ${offset} in epoch ${epoch}`);
    this.#highWatermarks.set(key, offset);
  }

  /** The end that ListOffsets names, asked in the newest epoch, after earlier answers. */
  onEnd(place: Place, epoch: number, nodeId: number, offset: number): void {
    this.onLeader(place, epoch, nodeId);
    const known = this.#ends.get(placeName(place)) ?? { offset: 0, by: 'nobody' };
    const by = `broker ${nodeId} in epoch ${epoch}`;
    const what = `the end of ${placeName(place)} goes back from ${known.offset} (${known.by})`;
    const isGood = offset >= known.offset || !this.#losses.isPromisedAll(place);
    assert(isGood, `${what} to ${offset} (${by})`);
    this.#ends.set(placeName(place), { offset, by });
  }

  /** A fetch up to where the watermark was known to be, told that nothing is there. */
  onOutOfRange(place: Place, epoch: number, offset: number, startOffset: number): void {
    if (startOffset > offset || !this.#losses.isPromisedAll(place)) return;
    const what = `a fetch of ${placeName(place)} at ${offset}, where the high watermark was`;
    assert(false, `${what}, is out of range in epoch ${epoch}: the log begins at ${startOffset}`);
  }
}
