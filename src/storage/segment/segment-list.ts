// The segments of an open log, and all that changes which they are: the one place where the list
// in memory and the files in the folder are brought together.
//
// Invariants: ascending and never empty. Each change is made in one turn of the event loop, files
// first, then memory, in an order in which a start after any step finds a log without a hole: the
// oldest segments go oldest first, the newest go newest first, and a segment is gone when its log
// file is renamed (log-folder.ts removes what else is left of it). What throws an IoError has
// changed nothing; what throws SegmentsInDoubt may have, and only a start can tell.

import type { Segment } from './segment.ts';
import { inDoubtIfFailed } from './segments-in-doubt.ts';

export class SegmentList {
  readonly #segments: Segment[];
  readonly #create: (baseOffset: number) => Segment;

  /** @param create makes the files of a new segment; if that fails there may be some of them */
  constructor(segments: Segment[], create: (baseOffset: number) => Segment) {
    this.#segments = segments;
    this.#create = create;
  }

  get all(): readonly Segment[] {
    return this.#segments;
  }

  get active(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  /** An empty segment behind the last one. @throws SegmentsInDoubt, IoError */
  add(baseOffset: number): Segment {
    const segment = this.#create(baseOffset);
    this.#segments.push(segment);
    return segment;
  }

  /** Its files have `.deleted` names afterwards, which are returned. @throws as above */
  deleteFirst(): string[] {
    const first = this.#segments[0] as Segment;
    try {
      return first.markDeleted();
    } finally {
      if (first.isGone) this.#segments.shift();
    }
  }

  /** Deletes those behind the one at the index, the last one first. @throws SegmentsInDoubt */
  deleteBehind(index: number): string[] {
    return inDoubtIfFailed(() => {
      const paths: string[] = [];
      while (this.#segments.length > index + 1) {
        for (const path of this.active.markDeleted()) paths.push(path);
        this.#segments.pop();
      }
      return paths;
    });
  }

  /** Deletes all of them, the last one first, for an empty one. @throws SegmentsInDoubt */
  restartAt(baseOffset: number): string[] {
    return inDoubtIfFailed(() => {
      const paths: string[] = [];
      for (const segment of this.#segments.toReversed()) {
        for (const path of segment.markDeleted()) paths.push(path);
      }
      const first = this.#create(baseOffset);
      this.#segments.splice(0, this.#segments.length, first);
      return paths;
    });
  }

  /** The cleaned segment, whose files are `.swap`, takes its place. @throws SegmentsInDoubt */
  replace(group: readonly Segment[], cleaned: Segment): string[] {
    return inDoubtIfFailed(() => {
      const paths = group.flatMap((segment) => segment.markDeleted());
      cleaned.moveTo('');
      const at = this.#segments.indexOf(group[0] as Segment);
      this.#segments.splice(at, group.length, cleaned);
      return paths;
    });
  }
}
