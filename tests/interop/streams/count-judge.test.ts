// The judge, shown what must not happen: it has to see each of them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SeenRecord } from '../transactional/transaction-judge.ts';
import { countsOf, countsOfWindows, judgeCounting, judgeCounts } from './count-judge.ts';

const words = [100, 900, 1_000, 1_999].map((timestamp) => ({ word: 'a', timestamp }));
const expected = countsOf([...words, { word: 'b', timestamp: 5 }]);

function written(...values: string[]): SeenRecord[] {
  return values.map((value, offset) => ({ partition: 'counted-0', offset, value }));
}

describe('the judge of counts', () => {
  test('finds nothing wrong with every count once and in order', () => {
    assert.deepEqual(judgeCounting(expected, written('a 1', 'a 2', 'b 1', 'a 3', 'a 4')), []);
  });

  test('sees a count that is missing, repeated, out of order, or of nothing', () => {
    const cases: [SeenRecord[], RegExp][] = [
      [written('a 1', 'a 3', 'a 4', 'b 1'), /a is 3 too soon, after 1/],
      [written('a 1', 'a 2', 'a 2', 'a 3', 'a 4', 'b 1'), /a is 2 again, after 2/],
      [written('a 2', 'a 1', 'a 3', 'a 4', 'b 1'), /a is 2 too soon/],
      [written('a 1', 'a 2', 'a 3', 'b 1'), /a is 3 instead of 4/],
      [written('a 1', 'a 2', 'a 3', 'a 4', 'a 5', 'b 1'), /a is 5 instead of 4/],
      [written('a 1', 'a 2', 'a 3', 'a 4'), /b is undefined instead of 1/],
      [written('a 1', 'a 2', 'a 3', 'a 4', 'b 1', 'c 1'), /c is 1 instead of undefined/],
    ];
    for (const [records, problem] of cases) {
      assert.match(judgeCounting(expected, records).join('\n'), problem);
    }
  });

  test('sees a name that is in two partitions', () => {
    const [first, ...others] = written('a 1', 'a 2', 'a 3', 'a 4', 'b 1');
    const records = [{ ...(first as SeenRecord), partition: 'counted-1' }, ...others];
    assert.match(judgeCounting(expected, records).join('\n'), /a is in counted-0 and in counted-1/);
  });

  test('counts by windows', () => {
    const windows = { 'a@0': 2, 'a@1000': 2 };
    assert.deepEqual(countsOfWindows(words, 1_000), new Map(Object.entries(windows)));
    const wrong = judgeCounts(countsOfWindows(words, 1_000), new Map([['a@0', 2]]));
    assert.deepEqual(wrong, ['a@1000 is undefined instead of 2']);
  });
});
