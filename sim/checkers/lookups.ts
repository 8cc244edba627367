// The promise: an offset that is in the log is found by it, and ListOffsets by time answers the
// first record that is not older. Both stand on indexes that are rebuilt after a crash, so that
// they are held against the whole log here.

import { assert } from '../../src/base/assert.ts';
import { type PartitionContents, placeName } from './partition-contents.ts';

export interface LookupAnswers {
  /** Offsets that were asked for, and the offset of the first record that came. */
  readonly reads: readonly { readonly asked: number; readonly offset: number }[];
  /** Times that were asked for, and the offset that was found, or null. */
  readonly times: readonly { readonly timestamp: number; readonly offset: number | null }[];
}

export function assertLookupsAgree(contents: PartitionContents, answers: LookupAnswers): void {
  const place = placeName(contents);
  for (const { asked, offset } of answers.reads) {
    assert(offset === asked, `${place}: a read at ${asked} begins at ${offset}`);
  }
  for (const { timestamp, offset } of answers.times) {
    const first = contents.records.find((record) => record.timestamp >= timestamp);
    const expected = first?.offset ?? null;
    assert(
      offset === expected,
      `${place}: the first record since ${timestamp} is at ${expected}, found was ${offset}`,
    );
  }
}
