// The promise: a group is shown every record at least once, and nothing is committed that it was
// not shown. A member reads on where the group has stopped, in order and without a gap; when the
// faults are healed the group comes to the end of every partition.
//
// It holds for logs without gaps from which nothing is deleted, and for members that commit what
// they were handed and begin at the earliest record.

import { assert } from '../../src/base/assert.ts';
import { type GroupPlace, groupPlaceName } from './group-place.ts';

export class GroupProgress {
  /** By place: every offset below was shown; and those above that were. */
  readonly #shown = new Map<string, { below: number; readonly above: Set<number> }>();
  readonly #next = new Map<string, number>();

  /** The member has the partition anew: it may begin where it likes. */
  onAssigned(life: string, place: GroupPlace): void {
    this.#next.delete(`${life} ${groupPlaceName(place)}`);
  }

  /** A poll of the member returned the record. */
  onRecord(life: string, place: GroupPlace, offset: number): void {
    const name = groupPlaceName(place);
    const shown = this.#of(place);
    const next = this.#next.get(`${life} ${name}`);
    const isInOrder = next === undefined ? offset <= shown.below : offset === next;
    const expected = next === undefined ? `at most ${shown.below}` : `${next}`;
    assert(isInOrder, `${name}: ${life} was handed ${offset}, and ${expected} was expected`);
    this.#next.set(`${life} ${name}`, offset + 1);
    if (offset < shown.below) return;
    shown.above.add(offset);
    while (shown.above.delete(shown.below)) shown.below++;
  }

  /** Somebody sends, or has seen, a commit of this offset. */
  onCommitted(place: GroupPlace, offset: number): void {
    const { below } = this.#of(place);
    const name = groupPlaceName(place);
    assert(offset <= below, `${name}: ${offset} is committed, but ${below} was never shown`);
  }

  /** Whether the group has been shown everything before the offset. */
  hasSeen(place: GroupPlace, endOffset: number): boolean {
    return this.#of(place).below >= endOffset;
  }

  #of(place: GroupPlace): { below: number; readonly above: Set<number> } {
    const name = groupPlaceName(place);
    const shown = this.#shown.get(name) ?? { below: 0, above: new Set<number>() };
    this.#shown.set(name, shown);
    return shown;
  }
}
