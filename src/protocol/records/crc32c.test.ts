// The checksums against published values, and the native against the portable one.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Prng } from '../../base/prng.ts';
import { crc32 } from './crc32.ts';
import { crc32c, crc32cPortable, hasNativeCrc32c } from './crc32c.ts';

test('CRC-32C and CRC-32 give the published check values', () => {
  const digits = Buffer.from('123456789');
  assert.equal(crc32c(digits), 0xe306_9283);
  assert.equal(crc32cPortable(digits), 0xe306_9283);
  assert.equal(crc32(digits), 0xcbf4_3926);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a91_36aa);
  assert.equal(crc32c(Buffer.alloc(0)), 0);
});

test('the native and the portable implementation agree at every size and alignment', () => {
  assert.ok(hasNativeCrc32c(), 'the native library is installed where the tests run');
  const bytes = Buffer.from(new Prng(1).bytes(4096));
  for (let start = 0; start < 17; start++) {
    for (let end = start; end < bytes.length; end += 1 + (end >> 4)) {
      assert.equal(crc32c(bytes, start, end), crc32cPortable(bytes, start, end));
    }
  }
});

test('a CRC continues from a seed', () => {
  const bytes = Buffer.from(new Prng(2).bytes(3000));
  for (const cut of [0, 1, 100, 191, 192, 193, 1500, 3000]) {
    const first = crc32c(bytes, 0, cut);
    assert.equal(crc32c(bytes, cut, bytes.length, first), crc32c(bytes));
    assert.equal(crc32cPortable(bytes, cut, bytes.length, first), crc32c(bytes));
  }
});
