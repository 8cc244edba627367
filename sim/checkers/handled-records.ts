// The promise of a work runner: every record of a group is handled, in order for each key (or
// partition), by whoever has the partition; committed is only what was handled, be it in the offset
// or in the metadata of the commit; and whoever gets a partition after a commit was acknowledged
// handles nothing again that this commit says is done.
//
// What a handler does after its signal does not count: it was told that nobody will commit it.

import { assert } from '../../src/base/assert.ts';
import { decodeDone } from '../../src/client/runner/index.ts';
import { type GroupPlace, groupPlaceName } from './group-place.ts';

interface Seen {
  readonly lane: string;
  isDone: boolean;
}

interface Commit {
  /** In the order of all that the checker hears. */
  readonly at: number;
  readonly offset: number;
  readonly open: ReadonlySet<number>;
  readonly endOffset: number;
}

class PlaceHistory {
  readonly records = new Map<number, Seen>();
  /** Those of a lane that somebody has begun, and that are not done. */
  readonly openOfLane = new Map<string, Set<number>>();
  /** The last one of a lane that somebody has begun. */
  readonly lastOfLane = new Map<string, number>();
  readonly commits: Commit[] = [];
}

export class HandledRecords {
  readonly #places = new Map<string, PlaceHistory>();
  /** By life and place: since when it has the partition. */
  readonly #assigned = new Map<string, number>();
  /** Lanes in which a handler of this life is at work. */
  readonly #atWork = new Set<string>();
  /** Partitions that a life has given up in good order. */
  readonly #givenUp = new Set<string>();
  #clock = 0;
  handledCount = 0;
  repeatCount = 0;
  beyondCount = 0;
  /** Handlers whose signal fired. */
  abortedCount = 0;

  onAssigned(life: string, place: GroupPlace): void {
    const key = `${life} ${groupPlaceName(place)}`;
    this.#assigned.set(key, ++this.#clock);
    this.#givenUp.delete(key);
  }

  onRevoked(life: string, place: GroupPlace): void {
    this.#givenUp.add(`${life} ${groupPlaceName(place)}`);
  }

  /** `lane`: what stays in order; null: nothing does. */
  onBegun(life: string, place: GroupPlace, offset: number, lane: string | null): void {
    const name = groupPlaceName(place);
    const history = this.#of(place);
    const known = history.records.get(offset);
    const assignedAt = this.#assigned.get(`${life} ${name}`) ?? 0;
    const commit = history.commits.find((each) => each.at < assignedAt && isDoneBy(each, offset));
    assert(commit === undefined, `${name}: ${life} does ${offset} again, which was committed`);
    if (known?.isDone === true) this.repeatCount++;
    if (lane === null) {
      if (known === undefined) history.records.set(offset, { lane: '', isDone: false });
      return;
    }
    const atWork = `${life} ${name} ${lane}`;
    assert(!this.#atWork.has(atWork), `${name}: ${life} does two of ${lane} at a time`);
    this.#atWork.add(atWork);
    const open = history.openOfLane.get(lane) ?? new Set<number>();
    history.openOfLane.set(lane, open);
    for (const other of open) {
      assert(other >= offset, `${name}: ${life} does ${offset} before ${other} of ${lane} is done`);
    }
    if (known !== undefined) return;
    const last = history.lastOfLane.get(lane) ?? -1;
    assert(last < offset, `${name}: ${life} does ${offset} after ${last} of ${lane}`);
    history.lastOfLane.set(lane, offset);
    history.records.set(offset, { lane, isDone: false });
    open.add(offset);
  }

  /** The handler has ended: without an error, and before its signal fired, it is done. */
  onEnded(
    life: string,
    place: GroupPlace,
    offset: number,
    end: { readonly lane: string | null; readonly hasFailed: boolean; readonly isAborted: boolean },
  ): void {
    const history = this.#of(place);
    if (end.isAborted) this.abortedCount++;
    if (end.lane !== null) this.#atWork.delete(`${life} ${groupPlaceName(place)} ${end.lane}`);
    if (end.hasFailed || end.isAborted) return;
    const seen = history.records.get(offset);
    assert(seen !== undefined, 'what ends has begun');
    if (!seen.isDone) this.handledCount++;
    seen.isDone = true;
    history.openOfLane.get(seen.lane)?.delete(offset);
  }

  /** A commit of this life was acknowledged. */
  onCommitted(life: string, place: GroupPlace, offset: number, metadata: string): void {
    const name = groupPlaceName(place);
    const history = this.#of(place);
    const done = decodeDone(offset, metadata);
    const open = new Set(done?.open);
    const commit = { at: ++this.#clock, offset, open, endOffset: done?.endOffset ?? offset };
    if (done !== null) this.beyondCount++;
    const isGivenUp = this.#givenUp.has(`${life} ${name}`);
    assert(!isGivenUp, `${name}: ${life} commits ${offset} of what it has given up`);
    for (const [each, { isDone }] of history.records) {
      if (isDone || !isDoneBy(commit, each)) continue;
      assert(false, `${name}: ${life} commits that ${each} is done, and it is not`);
    }
    history.commits.push(commit);
  }

  /** What is missing when the log ends there: it is read back with the offsets of its records. */
  missing(place: GroupPlace, offsets: readonly number[]): number[] {
    const { records } = this.#of(place);
    return offsets.filter((offset) => records.get(offset)?.isDone !== true);
  }

  #of(place: GroupPlace): PlaceHistory {
    const name = groupPlaceName(place);
    const history = this.#places.get(name) ?? new PlaceHistory();
    this.#places.set(name, history);
    return history;
  }
}

function isDoneBy({ offset, open, endOffset }: Commit, record: number): boolean {
  return record < offset || (record < endOffset && !open.has(record));
}
