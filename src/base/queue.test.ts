// The queue against an array, and how much it moves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from './prng.ts';
import { pushAll } from './push-all.ts';
import { Queue } from './queue.ts';

test('a queue gives back what came first, as an array does', () => {
  const prng = new Prng(1);
  const queue = new Queue<number>();
  const array: number[] = [];
  for (let step = 0; step < 20_000; step++) {
    // It grows for a while and is emptied for a while.
    if (prng.chance(Math.floor(step / 1000) % 2 === 0 ? 0.7 : 0.3)) {
      queue.push(step);
      array.push(step);
    } else {
      assert.equal(queue.shift(), array.shift());
    }
    assert.equal(queue.length, array.length);
    assert.equal(queue.first, array[0]);
  }
  assert.deepEqual(queue.drain(), array);
  assert.equal(queue.length, 0);
});

test('more items than fit the stack are added to a list', () => {
  const list = [0];
  pushAll(list, new Array<number>(1_000_000).fill(7));
  assert.equal(list.length, 1_000_001);
});
