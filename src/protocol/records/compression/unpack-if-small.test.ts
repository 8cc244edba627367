// What a broker checks of compressed data that it does not unpack: everything that a codec writes
// passes, and what passes without being unpacked can be unpacked (lz4, snappy) or at least begins
// and ends as it should.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { Prng } from '../../../base/prng.ts';
import { KafkaError } from '../../errors.ts';
import type { CompressionCodec } from '../batch-header.ts';
import { compress, compressionNames, decompress, unpackIfSmall } from './index.ts';
import { snappyBoundBytes, writeSnappyBlock } from './snappy.ts';

const codecs: readonly CompressionCodec[] = [1, 2, 3, 4];
const MAX = 64 * 1024 * 1024;

/** Words, runs and noise in turns. */
function sample(prng: Prng, sizeBytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let length = 0; length < sizeBytes; length += (parts.at(-1) as Buffer).length) {
    const kind = prng.int(3);
    if (kind === 0) parts.push(Buffer.from(prng.bytes(1 + prng.int(300))));
    else if (kind === 1) parts.push(Buffer.alloc(1 + prng.int(3000), prng.int(256)));
    else parts.push(Buffer.from(`{"user":"u${prng.int(50)}","amount":${prng.int(1000)}}`));
  }
  return Buffer.concat(parts).subarray(0, sizeBytes);
}

function isRefused(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch (error) {
    assert.ok(error instanceof KafkaError, `${error}`);
    return true;
  }
}

for (const codec of codecs) {
  const name = compressionNames[codec];

  test(`${name}: whatever was compressed passes, and is unpacked if it is small`, () => {
    const prng = new Prng(`good ${name}`);
    const sizes = [0, 1, 5, 100, 4096, 65_535, 65_536, 65_537, 140_000, 300_000, 1_000_000];
    for (const size of [...sizes, ...Array.from({ length: 60 }, () => prng.int(200_000))]) {
      const data = sample(prng, size);
      for (const level of codec === 1 ? [1, 9] : codec === 4 ? [-5, 3, 12] : [undefined]) {
        const compressed = compress(codec, data, level);
        assert.ok(unpackIfSmall(codec, compressed, MAX)?.equals(data), `${size} bytes`);
        const half = Math.floor(size / 2);
        const unpacked = unpackIfSmall(codec, compressed, half);
        if (size > 1) assert.equal(unpacked, null, `${size} bytes`);
      }
    }
  });

  test(`${name}: any bytes that were compressed pass`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600, size: 'max' }), (bytes) => {
        const data = Buffer.from(bytes);
        const compressed = compress(codec, data);
        assert.ok(unpackIfSmall(codec, compressed, data.length)?.equals(data));
        if (data.length > 1) assert.equal(unpackIfSmall(codec, compressed, 1), null);
      }),
      { numRuns: 200 },
    );
  });

  test(`${name}: damage is refused, or what passes is within the limit and can be read`, () => {
    const prng = new Prng(`damage ${name}`);
    for (let round = 0; round < 600; round++) {
      const compressed = Buffer.from(compress(codec, sample(prng, 1 + prng.int(20_000))));
      for (let flips = 1 + prng.int(3); flips > 0; flips--) {
        const at = prng.int(compressed.length);
        compressed[at] = (compressed[at] as number) ^ (1 << prng.int(8));
      }
      const limit = prng.pick([MAX, 5_000]);
      let unpacked: Buffer | null = null;
      if (isRefused(() => (unpacked = unpackIfSmall(codec, compressed, limit)))) continue;
      if (unpacked !== null) assert.ok((unpacked as Buffer).length <= limit);
      // These two were walked to the end.
      else if (codec === 2 || codec === 3) {
        assert.equal(
          isRefused(() => decompress(codec, compressed, MAX)),
          false,
          `round ${round}`,
        );
      }
    }
  });

  test(`${name}: noise and cut data of any size are refused without being unpacked`, () => {
    const prng = new Prng(`noise ${name}`);
    const compressed = compress(codec, sample(prng, 400_000));
    let passed = 0;
    for (let round = 0; round < 100; round++) {
      const cut = compressed.subarray(0, prng.int(compressed.length));
      const noise = Buffer.from(prng.bytes(prng.int(5000)));
      if (!isRefused(() => unpackIfSmall(codec, noise, 100))) passed++;
      if (!isRefused(() => unpackIfSmall(codec, cut, 100))) passed++;
    }
    // Framed snappy may end behind a block; a cut end of gzip may look like a possible size.
    assert.ok(passed <= 5, `${passed} passed`);
  });
}

test('a bare snappy block is walked as a framed one', () => {
  const data = sample(new Prng('bare'), 100_000);
  const bare = Buffer.alloc(snappyBoundBytes(data.length));
  const block = bare.subarray(0, writeSnappyBlock(data, 0, data.length, bare, 0));
  assert.ok(unpackIfSmall(2, block, data.length)?.equals(data));
  assert.equal(unpackIfSmall(2, block, 1000), null);
  assert.ok(isRefused(() => unpackIfSmall(2, block.subarray(0, block.length - 1), 1000)));
});

test('a framed snappy stream may have its header again between blocks, as Java reads it', () => {
  const parts = [sample(new Prng('a'), 5000), sample(new Prng('b'), 40_000)];
  const stream = Buffer.concat(parts.map((part) => compress(2, part)));
  assert.ok(decompress(2, stream, MAX).equals(Buffer.concat(parts)));
});

test('of lz4 only the first frame is read, as Java does', () => {
  const [first, second] = [sample(new Prng('a'), 5000), sample(new Prng('b'), 5000)];
  const frame = compress(3, first);
  const both = Buffer.concat([frame, compress(3, second)]);
  assert.ok(decompress(3, both, MAX).equals(first));
  assert.ok(decompress(3, Buffer.concat([frame, Buffer.from('trailing')]), MAX).equals(first));
  assert.ok(unpackIfSmall(3, both, 5000)?.equals(first));
  // Its records may be in the second: that is all that is known if the first is not unpacked.
  assert.ok(isRefused(() => unpackIfSmall(3, both, 4000)));
});

test('a promise of much is not believed, and costs nothing', () => {
  // A block of three bytes that claims 4 GiB; a frame of blocks of 4 MiB with nothing in them.
  assert.ok(isRefused(() => unpackIfSmall(2, Buffer.from([255, 255, 255, 255, 15, 0, 1]), MAX)));
  const zstdOfHugeWindow = Buffer.from('28b52ffd00f80100006162', 'hex');
  assert.ok(isRefused(() => unpackIfSmall(4, zstdOfHugeWindow, MAX)));
});
