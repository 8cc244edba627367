// Variable-length integers against BigInt, which shares no code with them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import {
  sizeOfUnsignedVarint,
  sizeOfVarint,
  sizeOfVarlong,
  VarintReader,
  writeUnsignedVarint,
  writeVarint,
  writeVarlong,
} from './varint.ts';

function zigzagBytes(value: bigint): number[] {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

test('unsigned varints come back, in the size foretold', () => {
  const check = (value: number): void => {
    const buffer = Buffer.alloc(8);
    const end = writeUnsignedVarint(buffer, 1, value);
    assert.equal(end - 1, sizeOfUnsignedVarint(value));
    const reader = new VarintReader(buffer, 1, end);
    assert.equal(reader.readUnsigned(), value);
    assert.equal(reader.position, end);
  };
  for (let bits = 0; bits <= 32; bits++) {
    for (const value of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
      if (value < 2 ** 32) check(value);
    }
  }
  fc.assert(fc.property(fc.nat(0xffff_ffff), check));
});

test('signed varints are zigzag encoded as Java does it', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      const buffer = Buffer.alloc(8);
      const end = writeVarint(buffer, 0, value);
      assert.deepEqual([...buffer.subarray(0, end)], zigzagBytes(BigInt(value)));
      assert.equal(end, sizeOfVarint(value));
      assert.equal(new VarintReader(buffer, 0, end).readSigned(), value);
    }),
  );
});

test('signed varlongs are exact up to 2^53 and keep their sign beyond it', () => {
  const check = (value: number): void => {
    const buffer = Buffer.alloc(12);
    const end = writeVarlong(buffer, 0, value);
    assert.deepEqual([...buffer.subarray(0, end)], zigzagBytes(BigInt(value)));
    assert.equal(end, sizeOfVarlong(value));
    const reader = new VarintReader(buffer, 0, end);
    assert.equal(reader.readSignedLong(), value);
    assert.equal(reader.position, end);
  };
  for (let bits = 0; bits <= 53; bits++) {
    for (const value of [2 ** bits - 1, 2 ** bits]) {
      check(value);
      if (value !== 0) check(-value);
    }
  }
  fc.assert(fc.property(fc.maxSafeInteger(), check));
  for (const value of [2 ** 62, -(2 ** 62), 2 ** 63, -(2 ** 63), -(2 ** 60) - 2 ** 12]) {
    const buffer = Buffer.alloc(12);
    const end = writeVarlong(buffer, 0, value);
    assert.equal(end, sizeOfVarlong(value));
    const read = new VarintReader(buffer, 0, end).readSignedLong();
    assert.ok(Math.abs(read / value - 1) < 1e-12, `${value} came back as ${read}`);
  }
});

test('varints that are cut short or too long are refused', () => {
  const read = (bytes: number[]): VarintReader => new VarintReader(Buffer.from(bytes));
  for (const bytes of [[], [0x80], [0xff, 0xff, 0xff]]) {
    assert.ok(Number.isNaN(read(bytes).readUnsigned()));
    assert.ok(Number.isNaN(read(bytes).readSigned()));
    assert.ok(Number.isNaN(read(bytes).readSignedLong()));
  }
  const five = [0xff, 0xff, 0xff, 0xff];
  assert.equal(read([...five, 0x0f]).readUnsigned(), 0xffff_ffff);
  assert.ok(Number.isNaN(read([...five, 0x10]).readUnsigned()));
  assert.ok(Number.isNaN(read([...five, 0x80, 0x00]).readSigned()));
  const ten = new Array<number>(9).fill(0xff);
  assert.equal(read([...ten, 0x01]).readSignedLong(), -(2 ** 63));
  assert.ok(Number.isNaN(read([...ten, 0x02]).readSignedLong()));
  assert.ok(Number.isNaN(read([...ten, 0x81]).readSignedLong()));
});
