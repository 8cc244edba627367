// The order in which items leave the heap.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heap } from './heap.ts';
import { Prng } from './prng.ts';

test('items come out in order whatever the order in which they went in', () => {
  const prng = new Prng('heap');
  const heap = new Heap<number>((left, right) => left < right);
  const expected: number[] = [];
  for (let i = 0; i < 500; i++) {
    const item = prng.int(100);
    heap.push(item);
    expected.push(item);
  }
  expected.sort((left, right) => left - right);
  assert.equal(heap.size, 500);
  assert.deepEqual(
    expected.map(() => heap.pop()),
    expected,
  );
});

test('an empty heap has nothing to peek at or to pop', () => {
  const heap = new Heap<number>((left, right) => left < right);
  assert.equal(heap.peek(), undefined);
  assert.equal(heap.pop(), undefined);
  heap.push(1);
  assert.equal(heap.peek(), 1);
  assert.equal(heap.pop(), 1);
  assert.equal(heap.pop(), undefined);
});
