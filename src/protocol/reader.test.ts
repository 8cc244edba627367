// Reader and Writer, primitive by primitive: what one writes the other reads, and the edges.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaError, MalformedError } from './errors.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

function written(write: (writer: Writer) => void, capacityBytes?: number): Buffer {
  const writer = new Writer(capacityBytes);
  write(writer);
  const sizeBytes = writer.sizeBytes;
  const bytes = Buffer.concat(writer.finish());
  assert.equal(bytes.length, sizeBytes);
  return bytes;
}

test('int64 is exact to 2^53, and keeps the ends of its range', () => {
  const edges = [0, -1, 1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53) + 1];
  for (const value of [...edges, 2 ** 63, -(2 ** 63)]) {
    const bytes = written((writer) => writer.int64(value));
    assert.equal(new Reader(bytes).int64(), value);
    if (Number.isSafeInteger(value)) assert.equal(bytes.readBigInt64BE(), BigInt(value));
  }
  assert.equal(written((w) => w.int64(2 ** 63)).toString('hex'), '7fffffffffffffff');
  assert.equal(written((w) => w.int64(-(2 ** 63))).toString('hex'), '8000000000000000');
  assert.throws(() => written((w) => w.int64(-(2 ** 64))), KafkaError);
  assert.throws(() => written((w) => w.int64(1.5)), KafkaError);
  assert.throws(() => written((w) => w.int64(Number.NaN)), KafkaError);
});

test('integers outside their range are refused, and the ends of it are not', () => {
  const ranges = { int8: [-128, 127], int16: [-32768, 32767], uint16: [0, 65535] } as const;
  const wider = { int32: [-(2 ** 31), 2 ** 31 - 1], uint32: [0, 2 ** 32 - 1] } as const;
  for (const [type, [min, max]] of Object.entries({ ...ranges, ...wider })) {
    const name = type as keyof typeof ranges;
    for (const value of [min, max]) {
      const bytes = written((writer) => writer[name](value));
      const read = new Reader(bytes);
      assert.equal(name === ('int8' as string) ? read.int8() : read[name](), value, type);
    }
    for (const value of [min - 1, max + 1, 0.5]) {
      assert.throws(() => written((writer) => writer[name](value)), KafkaError, `${type} ${value}`);
    }
  }
});

test('varints take one byte for each seven bits, up to 32 bits', () => {
  for (const [value, hex] of [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [16384, '808001'],
    [2 ** 32 - 1, 'ffffffff0f'],
  ] as const) {
    assert.equal(written((writer) => writer.uvarint(value)).toString('hex'), hex);
    assert.equal(new Reader(Buffer.from(hex, 'hex')).uvarint(), value);
  }
  for (const hex of ['ffffffff1f', '808080808001', 'ffffffffff', '80']) {
    assert.throws(() => new Reader(Buffer.from(hex, 'hex')).uvarint(), MalformedError, hex);
  }
});

test('a string that is not UTF-8 is read with replacement characters, as Java does', () => {
  const frame = Buffer.from('0003' + 'ff41fe', 'hex');
  assert.equal(new Reader(frame).string(false), '\ufffdA\ufffd');
});

test('a string longer than its length field can say is refused', () => {
  assert.throws(() => written((w) => w.string('x'.repeat(32768), false)), KafkaError);
  const compact = written((w) => w.string('x'.repeat(32768), true));
  assert.equal(new Reader(compact).string(true)?.length, 32768);
});

test('a reader never reads past its end, even within a larger buffer', () => {
  const buffer = Buffer.alloc(100);
  const reader = new Reader(buffer, 10, 13);
  assert.equal(reader.int16(), 0);
  assert.throws(() => reader.int16(), MalformedError);
  assert.equal(reader.int8(), 0);
  assert.throws(() => reader.int8(), MalformedError);
});

test('a writer grows from any capacity without losing what it holds', () => {
  for (let capacityBytes = 1; capacityBytes < 40; capacityBytes++) {
    const bytes = written((writer) => {
      for (let i = 0; i < 50; i++) {
        writer.int8(i);
        writer.int32(i * 1000);
        writer.string('grüße', true);
      }
    }, capacityBytes);
    const reader = new Reader(bytes);
    for (let i = 0; i < 50; i++) {
      assert.equal(reader.int8(), i);
      assert.equal(reader.int32(), i * 1000);
      assert.equal(reader.string(true), 'grüße');
    }
    assert.equal(reader.remaining, 0);
  }
});

test('pieces of records keep their place between other bytes', () => {
  const large = Buffer.alloc(1000, 1);
  const bytes = written((writer) => {
    for (let i = 0; i < 20; i++) {
      writer.int32(i);
      writer.records(i % 2 === 0 ? large : [Buffer.alloc(3, 2), large, Buffer.alloc(0)], false);
    }
  }, 16);
  const reader = new Reader(bytes);
  for (let i = 0; i < 20; i++) {
    assert.equal(reader.int32(), i);
    const expected = i % 2 === 0 ? large : Buffer.concat([Buffer.alloc(3, 2), large]);
    assert.deepEqual(reader.bytes(false), expected);
  }
});
