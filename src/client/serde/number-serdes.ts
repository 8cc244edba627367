// Numbers and truth values as Java's serializers of these names write them: big-endian, of fixed
// length. A value that has no place in its type is refused, never cut or rounded; a float32 is
// rounded to the nearest, as Java's `(float)` does.

import type { Serde } from './serde.ts';

/** Whole numbers from -2^15 to 2^15 - 1, in 2 bytes: Java's ShortSerde. */
export const int16 = (): Serde<number> => integer('an int16', 2, 0x7fff, 'Int16BE');

/** Whole numbers from -2^31 to 2^31 - 1, in 4 bytes: Java's IntegerSerde. */
export const int32 = (): Serde<number> => integer('an int32', 4, 0x7fff_ffff, 'Int32BE');

/**
 * Java's LongSerde, as a bigint. With `{ int64: 'number' }` as a number: what a number cannot hold
 * (beyond 2^53 - 1) is refused both ways.
 */
export function int64(options: { readonly int64: 'number' }): Serde<number>;
export function int64(options?: { readonly int64?: 'bigint' }): Serde<bigint>;
export function int64(options: { readonly int64?: 'bigint' | 'number' } = {}): unknown {
  return options.int64 === 'number' ? int64AsNumber : int64AsBigint;
}

/** Numbers, rounded to the nearest float, in 4 bytes: Java's FloatSerde. */
export const float32 = (): Serde<number> => ({
  serialize(_topic, value) {
    assertNumber('a float32', value);
    if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
      throw new RangeError(`${value} is too large for a float32`);
    }
    const bytes = Buffer.allocUnsafe(4);
    // One NaN for all: which bits a NaN has depends on how the processor came by it.
    if (Number.isNaN(value)) bytes.writeUInt32BE(0x7fc0_0000);
    else bytes.writeFloatBE(value);
    return bytes;
  },
  deserialize: (_topic, bytes) => sized('a float32', bytes, 4).readFloatBE(),
});

/** Numbers as they are, in 8 bytes: Java's DoubleSerde. */
export const float64 = (): Serde<number> => ({
  serialize(_topic, value) {
    assertNumber('a float64', value);
    const bytes = Buffer.allocUnsafe(8);
    if (Number.isNaN(value)) bytes.writeBigUInt64BE(0x7ff8_0000_0000_0000n);
    else bytes.writeDoubleBE(value);
    return bytes;
  },
  deserialize: (_topic, bytes) => sized('a float64', bytes, 8).readDoubleBE(),
});

/** true and false, in 1 byte: Java's BooleanSerde. */
export const boolean = (): Serde<boolean> => ({
  serialize(_topic, value) {
    if (typeof value !== 'boolean') throw new TypeError(`${shown(value)} is not true or false`);
    return Buffer.of(value ? 1 : 0);
  },
  deserialize(_topic, bytes) {
    const byte = sized('a boolean', bytes, 1)[0] as number;
    if (byte <= 1) return byte === 1;
    throw new RangeError(`a boolean is a byte of 0 or 1, not ${byte}`);
  },
});

function integer(
  name: string,
  length: number,
  max: number,
  form: 'Int16BE' | 'Int32BE',
): Serde<number> {
  return {
    serialize(_topic, value) {
      if (!Number.isInteger(value) || value > max || value < -max - 1) {
        throw new RangeError(`${shown(value)} is not ${name}: ${-max - 1} to ${max}`);
      }
      const bytes = Buffer.allocUnsafe(length);
      bytes[`write${form}`](value);
      return bytes;
    },
    deserialize: (_topic, bytes) => sized(name, bytes, length)[`read${form}`](),
  };
}

const int64AsBigint: Serde<bigint> = {
  serialize(_topic, value) {
    if (typeof value !== 'bigint') {
      throw new TypeError(
        `an int64 is a bigint (5n), not ${shown(value)}: int64 'number' takes one`,
      );
    }
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} is not an int64`);
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64BE(value);
    return bytes;
  },
  deserialize: (_topic, bytes) => sized('an int64', bytes, 8).readBigInt64BE(),
};

const int64AsNumber: Serde<number> = {
  serialize(topic, value, headers) {
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`${shown(value)} is not a whole number below 2^53: use a bigint`);
    }
    return int64AsBigint.serialize(topic, BigInt(value), headers);
  },
  deserialize(topic, bytes, headers) {
    const value = int64AsBigint.deserialize(topic, bytes, headers);
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new RangeError(`${value} is beyond 2^53: leave out int64 'number' to get a bigint`);
  },
};

function sized(name: string, bytes: Buffer, length: number): Buffer {
  if (bytes.length === length) return bytes;
  const unit = length === 1 ? 'byte' : 'bytes';
  throw new RangeError(`${name} has ${length} ${unit}, not ${bytes.length}`);
}

function assertNumber(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(`${name} is a number, not ${shown(value)}`);
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value) : `${String(value)} (${typeof value})`;
