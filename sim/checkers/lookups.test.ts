// lookups.ts: what it lets pass and what it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentsOf } from './fixture.ts';
import { assertLookupsAgree } from './lookups.ts';

const contents = contentsOf([0, 1, 2], 5);

test('a read begins at the offset that was asked for', () => {
  assertLookupsAgree(contents, { reads: [{ asked: 6, offset: 6 }], times: [] });
  const late = { reads: [{ asked: 6, offset: 7 }], times: [] };
  assert.throws(() => assertLookupsAgree(contents, late), /a read at 6 begins at 7/);
});

test('a time leads to the first record that is not older, or to none', () => {
  const times = (timestamp: number, offset: number | null) => {
    return { reads: [], times: [{ timestamp, offset }] };
  };
  assertLookupsAgree(contents, times(1_000, 5));
  assertLookupsAgree(contents, times(1_001, null));
  assert.throws(() => assertLookupsAgree(contents, times(1_000, 6)), /is at 5, found was 6/);
  assert.throws(() => assertLookupsAgree(contents, times(1_001, 7)), /is at null, found was 7/);
});
