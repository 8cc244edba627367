// What of a partition is done: what may be committed, and what goes into the commit's metadata.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { decodeDone, encodeDone } from './done-offsets.ts';
import { OffsetTracker } from './offset-tracker.ts';

test('only what everything before is done of is committed, the rest goes into the metadata', () => {
  const tracker = new OffsetTracker();
  assert.equal(tracker.committable(), null);
  for (let offset = 10; offset < 20; offset++) tracker.take(offset, offset < 15 ? 3 : 4);
  assert.deepEqual(tracker.committable(), { offset: 10, leaderEpoch: -1, metadata: '' });
  for (const offset of [10, 11, 13, 14, 17]) tracker.finish(offset);
  const { offset, leaderEpoch, metadata } = tracker.committable() ?? assert.fail();
  assert.equal(offset, 12);
  assert.equal(leaderEpoch, 3);
  assert.deepEqual(decodeDone(12, metadata), { open: [12, 15, 16, 18, 19], endOffset: 20 });
  for (const open of [12, 15, 16, 18, 19]) tracker.finish(open);
  assert.deepEqual(tracker.committable(), { offset: 20, leaderEpoch: 4, metadata: '' });
  tracker.passTo(22);
  assert.equal(tracker.committable()?.offset, 22, 'a marker behind the last record');
});

test('the next owner does not do again what is done, and hands on what it has not come to', () => {
  const first = new OffsetTracker();
  for (let offset = 0; offset < 100; offset++) first.take(offset, 0);
  for (let offset = 0; offset < 100; offset++) if (offset % 10 !== 3) first.finish(offset);
  const left = first.committable() ?? assert.fail();
  assert.equal(left.offset, 3);
  const second = new OffsetTracker(decodeDone(left.offset, left.metadata));
  const taken: number[] = [];
  for (let offset = 3; offset < 50; offset++) if (second.take(offset, 0)) taken.push(offset);
  assert.deepEqual(taken, [3, 13, 23, 33, 43]);
  second.finish(3);
  const handedOn = second.committable() ?? assert.fail();
  assert.equal(handedOn.offset, 13);
  const open = [13, 23, 33, 43, 53, 63, 73, 83, 93];
  assert.deepEqual(decodeDone(13, handedOn.metadata), { open, endOffset: 100 });
  for (const offset of [13, 23, 33, 43]) second.finish(offset);
  assert.equal(second.committable()?.offset, 53, 'the records before it are done already');
});

test('offsets without a record neither keep a commit back nor count as done', () => {
  const tracker = new OffsetTracker({ open: [4, 8], endOffset: 20 });
  assert.equal(tracker.take(6, 0), false, '4 was compacted away');
  assert.equal(tracker.take(8, 0), true);
  assert.equal(tracker.take(25, 0), true);
  tracker.finish(8);
  assert.equal(tracker.committable()?.offset, 25);
});

test('what does not fit into the metadata counts as not done', () => {
  const open = Array.from({ length: 3000 }, (_, i) => i * 300);
  const metadata = encodeDone({ open, endOffset: 900_000 });
  assert.ok(metadata.length <= 4096 && metadata.length > 4000, `${metadata.length}`);
  const decoded = decodeDone(0, metadata) ?? assert.fail();
  assert.deepEqual(decoded.open, open.slice(0, decoded.open.length));
  assert.equal(decoded.endOffset, open[decoded.open.length]);
  assert.equal(encodeDone({ open, endOffset: 900_000 }, 0), '');
});

test('what others write as metadata, and what is damaged, is passed over', () => {
  for (const text of ['', 'p1.', 'host-7', 'p1.!!', 'p1.gA', 'p1.AA', 'p1.BQUF', 'p2.BQ']) {
    assert.equal(decodeDone(5, text), null, text);
  }
});

test('for any records in hand, decoding gives back exactly what is done', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const prng = new Prng(seed);
    const base = prng.int(2) === 0 ? prng.int(1000) : 2 ** 45;
    const tracker = new OffsetTracker();
    const open: number[] = [];
    const count = 1 + prng.int(200);
    for (let i = 0, offset = base; i < count; i++, offset += 1 + prng.int(seed)) {
      tracker.take(offset, 0);
      if (prng.chance(0.5)) open.push(offset);
      else tracker.finish(offset);
    }
    const { offset, metadata } = tracker.committable() ?? assert.fail();
    const end = tracker.receivedTo ?? assert.fail();
    assert.equal(offset, open[0] ?? end);
    const decoded = decodeDone(offset, metadata);
    if (decoded !== null) assert.deepEqual(decoded, { open, endOffset: end });
    else assert.ok(open.length === 0 || open.length === end - offset, `seed ${seed}`);
  }
});
