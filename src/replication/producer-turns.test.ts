// Turns of producers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProducerTurns } from './producer-turns.ts';

test('turns of a producer come up one after the other, in the order of taking', async () => {
  const turns = new ProducerTurns();
  const seen: string[] = [];
  const [first, second, other] = [turns.take(1), turns.take(1), turns.take(2)];
  void second.up.then(() => seen.push('second'));
  void first.up.then(() => seen.push('first'));
  void other.up.then(() => seen.push('other'));
  await other.up;
  assert.deepEqual(seen.toSorted(), ['first', 'other']);
  first.end();
  await second.up;
  assert.equal(seen.at(-1), 'second');
});

test('a producer is forgotten when the last one that waited is done', async () => {
  const turns = new ProducerTurns();
  const [first, second] = [turns.take(1), turns.take(1)];
  first.end();
  assert.ok(turns.isWaitedFor(1));
  second.end();
  assert.ok(!turns.isWaitedFor(1));
  await turns.take(1).up;
});
