// What is in the log and not visible yet.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppendsAhead } from './appends-ahead.ts';

test('the bytes of the appends that end at the offset or before it are taken once', () => {
  const ahead = new AppendsAhead();
  for (const endOffset of [3, 5, 9]) ahead.push(endOffset, endOffset * 10);
  assert.equal(ahead.takeUpTo(2), 0);
  assert.equal(ahead.takeUpTo(5), 80);
  assert.equal(ahead.takeUpTo(5), 0);
  assert.equal(ahead.takeUpTo(100), 90);
  assert.ok(ahead.isEmpty);
});

test('what one list lets go another can take over', () => {
  const [hidden, undecided] = [new AppendsAhead(), new AppendsAhead()];
  hidden.push(1, 10);
  hidden.push(2, 20);
  assert.equal(hidden.takeUpTo(1, undecided), 10);
  assert.equal(undecided.takeUpTo(2), 10);
});

test('a long list is thinned out and loses no byte', () => {
  const ahead = new AppendsAhead();
  for (let endOffset = 1; endOffset <= 10_000; endOffset++) ahead.push(endOffset, 1);
  assert.ok(ahead.length <= 1024);
  const early = ahead.takeUpTo(5000);
  assert.ok(early <= 5000 && early > 4900, `${early} bytes`);
  assert.equal(early + ahead.takeUpTo(10_000), 10_000);
});
