// The seeded source: repeatable, even, and independent between forks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from './prng.ts';

test('the same seed gives the same sequence and another seed another', () => {
  const draw = (seed: number): number[] => {
    const prng = new Prng(seed);
    return Array.from({ length: 20 }, () => prng.int(1000));
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

test('a fork does not depend on how much its parent was used', () => {
  const used = new Prng(1);
  for (let i = 0; i < 100; i++) used.float();
  assert.equal(used.fork('disk').float(), new Prng(1).fork('disk').float());
  assert.notEqual(new Prng(1).fork('disk').float(), new Prng(1).fork('network').float());
});

test('integers are spread evenly over their range', () => {
  const prng = new Prng('even');
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const value = prng.int(10);
    counts[value] = (counts[value] as number) + 1;
  }
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `count ${count}`);
});

test('shuffle keeps every item', () => {
  const items = Array.from({ length: 50 }, (_, index) => index);
  const shuffled = new Prng(3).shuffle([...items]);
  assert.notDeepEqual(shuffled, items);
  assert.deepEqual(
    shuffled.sort((a, b) => a - b),
    items,
  );
});
