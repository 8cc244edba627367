// What the readers and writers of 64-bit integers promise about exactness and clamping.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { INT64_MAX, readInt64, writeInt64 } from './int64.ts';

test('integers up to 2^53 are exact', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const buffer = Buffer.alloc(10);
      writeInt64(buffer, 1, value);
      assert.equal(buffer.readBigInt64BE(1), BigInt(value));
      assert.equal(readInt64(buffer, 1), value);
    }),
  );
});

test("Java's largest and smallest long survive reading and writing", () => {
  for (const value of [2n ** 63n - 1n, -(2n ** 63n)]) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64BE(value);
    const read = readInt64(buffer, 0);
    assert.equal(Math.abs(read), INT64_MAX);
    writeInt64(buffer, 0, read);
    assert.equal(buffer.readBigInt64BE(), value);
  }
});

test('numbers outside the range are clamped', () => {
  const buffer = Buffer.alloc(8);
  writeInt64(buffer, 0, Number.POSITIVE_INFINITY);
  assert.equal(buffer.readBigInt64BE(), 2n ** 63n - 1n);
  writeInt64(buffer, 0, -1e300);
  assert.equal(buffer.readBigInt64BE(), -(2n ** 63n));
});
