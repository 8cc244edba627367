// Every codec: sizes where something changes, limits, damage, and forms that others write.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import fc from 'fast-check';

import { Prng } from '../../../base/prng.ts';
import { ErrorCode, KafkaError } from '../../errors.ts';
import type { CompressionCodec } from '../batch-header.ts';
import { compress, compressionNames, decompress } from './index.ts';
import { compressLz4 } from './lz4-frame.ts';
import { snappyBoundBytes, writeSnappyBlock } from './snappy.ts';
import { xxhash32 } from './xxhash32.ts';

const codecs: CompressionCodec[] = [1, 2, 3, 4];
const MAX = 64 * 1024 * 1024;

function throwsCode(code: number, run: () => unknown): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof KafkaError, `${error}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** Text of few words, noise and runs, in a mixture that changes along the way. */
function sample(seed: number, sizeBytes: number): Buffer {
  const prng = new Prng(seed);
  const parts: Buffer[] = [];
  let length = 0;
  while (length < sizeBytes) {
    const kind = prng.int(4);
    let part = Buffer.from(prng.bytes(1 + prng.int(300)));
    if (kind === 1) part = Buffer.alloc(1 + prng.int(3000), prng.int(256));
    if (kind >= 2) part = Buffer.from(`{"user":"u${prng.int(50)}","amount":${prng.int(1000)}}`);
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts, length).subarray(0, sizeBytes);
}

const sizes = [0, 1, 2, 4, 5, 11, 12, 13, 15, 16, 17, 63, 64, 65, 255, 256, 1000, 4096];
const largeSizes = [32767, 32768, 32769, 65535, 65536, 65537, 200_000, 1_200_000];

for (const codec of codecs) {
  const name = compressionNames[codec];

  test(`${name} gives back what it was given, at every size where something changes`, () => {
    for (const size of [...sizes, ...largeSizes]) {
      for (const data of [sample(size, size), Buffer.alloc(size, 1)]) {
        assert.ok(decompress(codec, compress(codec, data), MAX).equals(data), `${size} bytes`);
      }
    }
  });

  test(`${name} gives back any bytes`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400, size: 'max' }), (bytes) => {
        const data = Buffer.from(bytes);
        assert.ok(decompress(codec, compress(codec, data), MAX).equals(data));
      }),
      { numRuns: 300 },
    );
  });

  test(`${name} stops at the limit, however little data promises however much`, () => {
    const data = Buffer.alloc(3_000_000, 'a');
    const compressed = compress(codec, data);
    assert.ok(decompress(codec, compressed, data.length).equals(data));
    throwsCode(ErrorCode.MESSAGE_TOO_LARGE, () => decompress(codec, compressed, 2_999_999));
    throwsCode(ErrorCode.MESSAGE_TOO_LARGE, () => decompress(codec, compressed, 1000));
  });

  test(`${name} that is cut short anywhere is corrupt`, () => {
    const compressed = compress(codec, sample(1, 2000));
    for (let length = 0; length < compressed.length; length++) {
      // A framed snappy stream may end behind any of its blocks; Java takes what is too short for
      // the length of the next one for nothing.
      if (codec === 2 && length >= 16 && length < 20) continue;
      throwsCode(ErrorCode.CORRUPT_MESSAGE, () =>
        decompress(codec, compressed.subarray(0, length), MAX),
      );
    }
  });

  test(`${name} with flipped bits gives something else or an error of the protocol`, () => {
    const prng = new Prng(`flip ${codec}`);
    for (let round = 0; round < 1500; round++) {
      const compressed = Buffer.from(compress(codec, sample(round % 10, 1 + prng.int(5000))));
      for (let flips = 1 + prng.int(3); flips > 0; flips--) {
        const at = prng.int(compressed.length);
        compressed[at] = (compressed[at] as number) ^ (1 << prng.int(8));
      }
      try {
        decompress(codec, compressed, 1024 * 1024);
      } catch (error) {
        assert.ok(error instanceof KafkaError, `round ${round}: ${error}`);
      }
    }
    // And it still works afterwards.
    const data = sample(3, 10_000);
    assert.ok(decompress(codec, compress(codec, data), MAX).equals(data));
  });

  test(`${name} refuses noise`, () => {
    const prng = new Prng(`noise ${codec}`);
    for (let round = 0; round < 2000; round++) {
      const noise = Buffer.from(prng.bytes(prng.int(100)));
      try {
        assert.ok(decompress(codec, noise, 1024 * 1024).length <= 1024 * 1024);
      } catch (error) {
        assert.ok(error instanceof KafkaError, `round ${round}: ${error}`);
      }
    }
  });
}

test('gzip and zstd compress better at a higher level', () => {
  const data = sample(7, 100_000);
  assert.ok(compress(1, data, 9).length < compress(1, data, 1).length);
  const best = compress(4, data, 19);
  assert.ok(best.length < compress(4, data, 1).length);
  assert.ok(decompress(4, best, MAX).equals(data));
  assert.ok(decompress(4, compress(4, data, 22), MAX).equals(data));
  assert.ok(decompress(4, compress(4, data, -5), MAX).equals(data));
});

test('zstd data too large for one call goes through a stream', () => {
  const data = sample(11, 9_000_000);
  const compressed = compress(4, data, 19);
  assert.ok(compressed.length < data.length);
  assert.ok(decompress(4, compressed, MAX).equals(data));
  throwsCode(ErrorCode.MESSAGE_TOO_LARGE, () => decompress(4, compressed, 8_000_000));
  const broken = Buffer.from(compressed);
  broken.fill(0xff, 9, 60);
  throwsCode(ErrorCode.CORRUPT_MESSAGE, () => decompress(4, broken, MAX));
});

test('gzip of several members, as concatenated files are, is read whole', () => {
  const data = Buffer.concat([gzipSync('one '), gzipSync('two')]);
  assert.equal(decompress(1, data, MAX).toString(), 'one two');
});

test('snappy is read with the framing of Java and without', () => {
  const data = sample(5, 100_000);
  const bare = Buffer.alloc(snappyBoundBytes(data.length));
  const length = writeSnappyBlock(data, 0, data.length, bare, 0);
  assert.ok(decompress(2, bare.subarray(0, length), MAX).equals(data));
  assert.equal(compress(2, data).toString('latin1', 0, 8), '\x82SNAPPY\0');
});

test('xxHash32 gives the published values', () => {
  assert.equal(xxhash32(Buffer.from('')), 0x02cc5d05);
  assert.equal(xxhash32(Buffer.from('a')), 0x550d7456);
  assert.equal(xxhash32(Buffer.from('abc')), 0x32d153ff);
  assert.equal(xxhash32(Buffer.from('Nobody inspects the spammish repetition')), 0xe2293b2f);
});

test('an lz4 frame is read with the header checksum of old clients and with the right one', () => {
  const data = sample(2, 3000);
  const right = compressLz4(data);
  const broken = compressLz4(data, { hasBrokenHeaderChecksum: true });
  assert.notEqual(right[6], broken[6]);
  assert.ok(decompress(3, right, MAX).equals(data));
  assert.ok(decompress(3, broken, MAX).equals(data));
  right[6] = (right[6] as number) ^ 0xff;
  throwsCode(ErrorCode.CORRUPT_MESSAGE, () => decompress(3, right, MAX));
});

test('lz4 checksums of blocks and content, if a frame has them, are verified', () => {
  const data = sample(4, 500);
  const frame = compressLz4(data);
  const block = frame.subarray(7, frame.length - 4);
  const blockChecksum = Buffer.alloc(4);
  blockChecksum.writeUInt32LE(xxhash32(block, 4));
  const contentChecksum = Buffer.alloc(4);
  contentChecksum.writeUInt32LE(xxhash32(data));
  // Version 1, linked blocks, block checksum, content size, content checksum.
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x5c, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(data.length, 6);
  head[14] = (xxhash32(head, 4, 14) >>> 8) & 0xff;
  const parts = [head, block, blockChecksum, Buffer.alloc(4), contentChecksum];
  assert.ok(decompress(3, Buffer.concat(parts), MAX).equals(data));
  for (const sum of [blockChecksum, contentChecksum]) {
    sum[0] = (sum[0] as number) ^ 1;
    throwsCode(ErrorCode.CORRUPT_MESSAGE, () => decompress(3, Buffer.concat(parts), MAX));
    sum[0] = (sum[0] as number) ^ 1;
  }
});

test('an lz4 frame of linked blocks is read', () => {
  // Ten literals, then in the next block a match that reaches back into them.
  const first = Buffer.from([0xa0, ...Buffer.from('0123456789')]);
  const second = Buffer.from([0x04, 10, 0, 0x20, ...Buffer.from('ab')]);
  const size = (block: Buffer): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(block.length);
    return bytes;
  };
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0]);
  head[6] = (xxhash32(head, 4, 6) >>> 8) & 0xff;
  const parts = [head, size(first), first, size(second), second, Buffer.alloc(4)];
  assert.equal(decompress(3, Buffer.concat(parts), MAX).toString(), '012345678901234567ab');
  // The same blocks, called independent, are not.
  head[4] = 0x60;
  head[6] = (xxhash32(head, 4, 6) >>> 8) & 0xff;
  throwsCode(ErrorCode.CORRUPT_MESSAGE, () => decompress(3, Buffer.concat(parts), MAX));
});
