// Records that say who sent them. Key, value and headers follow from the identity, so that one
// that was read back is recognised, and every byte of it is checked, without keeping what was sent.

import { assert } from '../../src/base/assert.ts';
import { murmur2 } from '../../src/base/murmur2.ts';
import { Prng } from '../../src/base/prng.ts';

export interface RecordIdentity {
  /** Name of the producer session. */
  readonly producer: string;
  readonly topic: string;
  readonly partition: number;
  /** Counts the records of the session for the partition, from 0. */
  readonly number: number;
}

export interface RecordBytes {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
}

const sizes = [0, 1, 30, 30, 100, 100, 400, 3_000];

export function nameOf({ producer, topic, partition, number }: RecordIdentity): string {
  return `${producer} ${topic} ${partition} ${number}`;
}

export function recordOf(identity: RecordIdentity): RecordBytes & { readonly key: Buffer } {
  const key = Buffer.from(nameOf(identity));
  const hash = murmur2(key) >>> 0;
  const sizeBytes = sizes[hash % sizes.length] as number;
  const isNoise = (hash >>> 8) % 4 === 0;
  const value = isNoise ? new Prng(hash).bytes(sizeBytes) : Buffer.alloc(sizeBytes, key);
  const headers = (hash >>> 16) % 4 === 0 ? [{ key: 'n', value: Buffer.from([hash & 255]) }] : [];
  return { key, value, headers };
}

/** Throws unless the record is, to the last byte, one that `recordOf` made. */
export function identityOf(record: RecordBytes): RecordIdentity {
  const text = record.key?.toString() ?? '';
  const [producer = '', topic = '', partition = '', number = ''] = text.split(' ');
  const identity = { producer, topic, partition: Number(partition), number: Number(number) };
  const expected = recordOf(identity);
  const isSame =
    nameOf(identity) === text &&
    isSameBytes(record.value, expected.value) &&
    record.headers.length === expected.headers.length &&
    record.headers.every(({ key, value }, index) => {
      const header = expected.headers[index];
      return key === header?.key && isSameBytes(value, header.value);
    });
  assert(isSame, `the record with key "${text}" is not one that was sent`);
  return identity;
}

function isSameBytes(left: Buffer | null, right: Buffer | null): boolean {
  return left === null || right === null ? left === right : left.equals(right);
}
