// The map of keys beside a Map, within its memory; and the hash that stands for a key.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { KeyHash } from './key-hash.ts';
import { OffsetMap } from './offset-map.ts';

const seed = Buffer.alloc(16, 7);

function mapOf(keysMax: number, bytesMax = 1_000_000, loadFactor = 0.9): OffsetMap {
  return new OffsetMap({ bytesMax, loadFactor, keysMax, seed });
}

describe('the map of offsets', () => {
  test('does what a Map would do', () => {
    const prng = new Prng('offset map');
    const map = mapOf(6000);
    const model = new Map<string, number>();
    for (let offset = 0; offset < 5000; offset++) {
      const key = 'x'.repeat(prng.int(3)) + prng.int(2000);
      const bytes = Buffer.from(`..${key}..`);
      map.put(bytes, 2, bytes.length - 2, offset);
      model.set(key, offset);
      assert.equal(map.count, model.size);
      assert.equal(map.latestOffset, offset);
    }
    for (const [key, offset] of model) {
      assert.equal(map.get(Buffer.from(key), 0, key.length), offset);
    }
    assert.equal(map.get(Buffer.from('nobody'), 0, 6), -1);
  });

  test('keeps offsets beyond 32 bits, and 0', () => {
    const map = mapOf(10);
    for (const offset of [0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 1]) {
      const key = Buffer.from(`k${offset}`);
      map.put(key, 0, key.length, offset);
      assert.equal(map.get(key, 0, key.length), offset);
    }
  });

  test('takes no more memory than allowed, and no more keys than fit', () => {
    const map = mapOf(1e9, 24 * 1000, 0.5);
    assert.ok(map.sizeBytes <= 24 * 1000);
    assert.ok(map.entriesMax <= 500 && map.entriesMax > 480);
    for (let i = 0; !map.isFull; i++) map.put(Buffer.from(`${i}`), 0, `${i}`.length, i);
    assert.equal(map.count, map.entriesMax);
  });

  test('takes no more memory than the keys there can be need', () => {
    assert.ok(mapOf(1000, 128 * 1024 * 1024).sizeBytes < 40_000);
    const full = mapOf(1000);
    for (let i = 0; i < 1000; i++) {
      assert.ok(!full.isFull);
      full.put(Buffer.from(`${i}`), 0, `${i}`.length, i);
    }
  });
});

describe('the hash of a key', () => {
  test('is MD5 from where MD5 begins', () => {
    const initial = Buffer.from('0123456789abcdeffedcba9876543210', 'hex');
    const hash = new KeyHash(initial);
    for (let length = 0; length < 200; length++) {
      const bytes = Buffer.alloc(length, length);
      hash.hash(bytes, 0, length);
      const found = Buffer.alloc(16);
      for (let i = 0; i < 4; i++) found.writeInt32LE(hash.words[i] as number, 4 * i);
      assert.equal(found.toString('hex'), createHash('md5').update(bytes).digest('hex'));
    }
  });

  test('is another one from another beginning', () => {
    const [one, other] = [new KeyHash(seed), new KeyHash(Buffer.alloc(16, 8))];
    const key = Buffer.from('key');
    one.hash(key, 0, 3);
    other.hash(key, 0, 3);
    assert.notDeepEqual(one.words, other.words);
  });
});
