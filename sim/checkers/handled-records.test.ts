// handled-records.ts: what it lets pass, and what it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeDone } from '../../src/client/runner/index.ts';
import { HandledRecords } from './handled-records.ts';

const place = { groupId: 'g', topic: 't', partition: 0 };
const good = { hasFailed: false, isAborted: false };

function handle(handled: HandledRecords, life: string, offset: number, lane: string | null): void {
  handled.onBegun(life, place, offset, lane);
  handled.onEnded(life, place, offset, { lane, ...good });
}

test('what was in hand may be handled again, also out of a commit that is not acknowledged', () => {
  const handled = new HandledRecords();
  handled.onAssigned('a', place);
  for (const offset of [0, 1, 2]) handle(handled, 'a', offset, 'k');
  handled.onCommitted('a', place, 1, '');
  handled.onAssigned('b', place);
  for (const offset of [1, 2, 3]) handle(handled, 'b', offset, 'k');
  assert.equal(handled.repeatCount, 2);
  assert.deepEqual(handled.missing(place, [0, 1, 2, 3, 4]), [4]);
});

test('what a commit says is done is not handled again by who got the partition after it', () => {
  const handled = new HandledRecords();
  handled.onAssigned('a', place);
  for (const offset of [0, 2, 3]) handle(handled, 'a', offset, null);
  handled.onBegun('a', place, 1, null);
  handled.onCommitted('a', place, 1, encodeDone({ open: [1], endOffset: 4 }));
  handle(handled, 'z', 3, null);
  handled.onAssigned('b', place);
  handle(handled, 'b', 1, null);
  assert.throws(() => handled.onBegun('b', place, 3, null), /b does 3 again, which was committed/);
});

test('a commit beyond what is done is refused, in the offset and in the metadata', () => {
  const handled = new HandledRecords();
  for (const offset of [0, 2]) handle(handled, 'a', offset, null);
  handled.onBegun('a', place, 1, null);
  assert.throws(() => handled.onCommitted('a', place, 3, ''), /commits that 1 is done/);
  handled.onBegun('a', place, 3, null);
  const metadata = encodeDone({ open: [1], endOffset: 4 });
  assert.throws(() => handled.onCommitted('a', place, 1, metadata), /commits that 3 is done/);
});

test('what a handler does after its signal, or with an error, is not done', () => {
  const handled = new HandledRecords();
  handled.onBegun('a', place, 0, 'k');
  handled.onEnded('a', place, 0, { lane: 'k', hasFailed: false, isAborted: true });
  handled.onBegun('b', place, 0, 'k');
  handled.onEnded('b', place, 0, { lane: 'k', hasFailed: true, isAborted: false });
  assert.throws(() => handled.onCommitted('a', place, 1, ''), /commits that 0 is done/);
});

test('a lane is handled in order, and one after the other', () => {
  const handled = new HandledRecords();
  handled.onBegun('a', place, 4, 'k');
  assert.throws(() => handled.onBegun('a', place, 5, 'k'), /does two of k at a time/);
  assert.throws(() => handled.onBegun('b', place, 5, 'k'), /does 5 before 4 of k is done/);
  assert.throws(() => handled.onBegun('c', place, 3, 'k'), /does 3 after 4 of k/);
  handle(handled, 'a', 3, 'other');
});

test('what was given up in good order is not committed any more', () => {
  const handled = new HandledRecords();
  handled.onAssigned('a', place);
  handle(handled, 'a', 0, null);
  handled.onRevoked('a', place);
  assert.throws(() => handled.onCommitted('a', place, 1, ''), /commits 1 of what it has given up/);
  handled.onAssigned('a', place);
  handled.onCommitted('a', place, 1, '');
});
