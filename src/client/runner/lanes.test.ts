// Whose turn it is: lanes, batches, and what is dropped.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BatchLimits, Lanes, type Taken } from './lanes.ts';

interface Work {
  readonly laneId: string | null;
  readonly name: string;
  readonly sizeBytes: number;
  readonly arrivedMs: number;
  isDropped: boolean;
}

const single: BatchLimits = { countMax: 1, bytesMax: Infinity, waitMs: 0, isOfOneLane: true };
const work = (laneId: string | null, name: string, arrivedMs = 0): Work => {
  return { laneId, name, sizeBytes: 10, arrivedMs, isDropped: false };
};
const namesOf = (taken: Taken<Work> | null): string =>
  taken === null ? '' : taken.works.map(({ name }) => name).join(' ');

test('of a lane one is taken at a time, and the next only when it is released', () => {
  const lanes = new Lanes<Work>(single);
  for (const name of ['a1', 'a2', 'b1']) lanes.add(work(name[0] as string, name));
  lanes.add(work(null, 'x'));
  lanes.add(work(null, 'y'));
  const first = lanes.take(0);
  assert.equal(namesOf(first), 'a1');
  assert.deepEqual(
    [1, 2, 3].map(() => namesOf(lanes.take(0))),
    ['b1', 'x', 'y'],
  );
  assert.equal(lanes.take(0), null);
  lanes.add(work('a', 'a3'));
  assert.equal(lanes.take(0), null, 'the lane is at work');
  lanes.release(first?.lanes[0] ?? assert.fail());
  const second = lanes.take(0);
  assert.equal(namesOf(second), 'a2');
  lanes.release(second?.lanes[0] ?? assert.fail());
  assert.equal(namesOf(lanes.take(0)), 'a3');
});

test('what is dropped is passed over', () => {
  const lanes = new Lanes<Work>(single);
  const works = ['a1', 'a2', 'a3', 'b1'].map((name) => work(name[0] as string, name));
  for (const each of works) lanes.add(each);
  const first = lanes.take(0) ?? assert.fail();
  for (const each of works) each.isDropped = each.name !== 'a3';
  assert.equal(lanes.take(0), null);
  lanes.release(first.lanes[0] ?? assert.fail());
  assert.equal(namesOf(lanes.take(0)), 'a3');
});

test('a batch takes of several lanes in order, and waits for more until its time is up', () => {
  const lanes = new Lanes<Work>({ countMax: 4, bytesMax: 1000, waitMs: 50, isOfOneLane: false });
  for (const name of ['a1', 'a2', 'b1']) lanes.add(work(name[0] as string, name, 100));
  assert.equal(lanes.take(120), null);
  assert.equal(lanes.ripeAtMs, 150);
  for (const name of ['c1', 'c2']) lanes.add(work('c', name, 130));
  const full = lanes.take(130) ?? assert.fail();
  assert.equal(namesOf(full), 'a1 a2 b1 c1');
  for (const name of ['a3', 'd1']) lanes.add(work(name[0] as string, name, 140));
  assert.equal(namesOf(lanes.take(190)), 'd1');
  for (const lane of full.lanes) lanes.release(lane);
  assert.equal(namesOf(lanes.take(191)), 'a3 c2');
});

test('a batch ends at its bytes, but has at least one', () => {
  const lanes = new Lanes<Work>({ countMax: 100, bytesMax: 25, waitMs: 0, isOfOneLane: true });
  for (let i = 1; i <= 3; i++) lanes.add(work('a', `a${i}`));
  lanes.add({ ...work('b', 'b1'), sizeBytes: 99 });
  const [a, b] = [lanes.take(0), lanes.take(0)];
  assert.deepEqual([namesOf(a), namesOf(b)], ['a1 a2', 'b1']);
  lanes.release(a?.lanes[0] ?? assert.fail());
  assert.equal(namesOf(lanes.take(0)), 'a3');
});

test('with a batch for each lane one that is full does not wait for one that is not', () => {
  const lanes = new Lanes<Work>({ countMax: 2, bytesMax: 1000, waitMs: 50, isOfOneLane: true });
  lanes.add(work('a', 'a1', 0));
  for (const name of ['b1', 'b2']) lanes.add(work('b', name, 10));
  assert.equal(namesOf(lanes.take(10)), 'b1 b2');
  assert.equal(lanes.take(10), null);
  assert.equal(lanes.ripeAtMs, 50);
  assert.equal(namesOf(lanes.take(50)), 'a1');
});
