// Against values that Java printed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { javaHashBucket, javaHashCode } from './java-hash-code.ts';

test('strings hash as in Java', () => {
  assert.equal(javaHashCode(''), 0);
  assert.equal(javaHashCode('a'), 97);
  assert.equal(javaHashCode('hello world'), 1794106052);
  assert.equal(javaHashCode('my-group'), -1906497762);
  assert.equal(javaHashCode('polygenelubricants'), -0x8000_0000);
  assert.equal(javaHashCode('\u{1F600}'), 1772899);
});

test('the hash without a positive counterpart falls into the first bucket', () => {
  assert.equal(javaHashBucket('polygenelubricants', 50), 0);
  assert.equal(javaHashBucket('hello world', 50), 2);
});
