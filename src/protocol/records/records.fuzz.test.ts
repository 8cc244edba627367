// Damaged and hostile bytes: whatever comes in, either records or a KafkaError comes out. Seeded;
// a failure names its round, which alone repeats it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Prng } from '../../base/prng.ts';
import { KafkaError } from '../errors.ts';
import {
  batchHeaders,
  type CompressionCodec,
  decodeRecords,
  downConvert,
  encodeBatch,
  encodeMessageSet,
  isBatchCrcValid,
  type RecordInput,
  readBatchHeader,
  readMessageSet,
  setLogAppendTime,
  upConvert,
  validateRecords,
} from './index.ts';

const ROUNDS = 1500;
const LIMIT = { uncompressedBytesMax: 1024 * 1024 };

function someBytes(prng: Prng): Buffer | null {
  if (prng.chance(0.1)) return null;
  return Buffer.from(prng.bytes(prng.int(prng.chance(0.1) ? 500 : 12)));
}

function someRecords(prng: Prng): RecordInput[] {
  return Array.from({ length: 1 + prng.int(12) }, () => ({
    key: someBytes(prng),
    value: someBytes(prng),
    timestamp: 1_700_000_000_000 + prng.int(100_000),
    headers: prng.chance(0.3) ? [{ key: 'name', value: someBytes(prng) }] : [],
  }));
}

/** Ten bytes that a varint never has, the largest one, lengths that wrap around, and the like. */
const nasty = [
  'ffffffffffffffffffff',
  'ffffffffffffffffff01',
  'ffffffff0f',
  'feffffff0f',
  '8080808080',
  '7fffffff',
  '80000000',
  'ffffffff',
  '7fffffffffffffff',
  '00',
  '01',
].map((hex) => Buffer.from(hex, 'hex'));

function damage(prng: Prng, bytes: Buffer): Buffer {
  const damaged = Buffer.from(bytes);
  for (let times = 1 + prng.int(3); times > 0; times--) {
    const at = prng.int(damaged.length);
    if (prng.chance(0.5)) damaged[at] = (damaged[at] as number) ^ (1 << prng.int(8));
    else prng.pick(nasty).copy(damaged, at);
  }
  return prng.chance(0.2) ? damaged.subarray(0, prng.int(damaged.length + 1)) : damaged;
}

function survives(round: number, run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    assert.ok(error instanceof KafkaError, `round ${round}: ${(error as Error).stack}`);
    return false;
  }
}

test('damaged batches give records or an error of the protocol', () => {
  let read = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const prng = new Prng(`batch ${round}`);
    const compression = prng.int(5) as CompressionCodec;
    const batch = encodeBatch({ records: someRecords(prng), compression });
    const damaged = damage(prng, batch);
    const isRead = survives(round, () => {
      for (const header of batchHeaders(damaged)) decodeRecords(damaged, header, LIMIT);
    });
    if (isRead) read++;
    survives(round, () => {
      const header = readBatchHeader(damaged, 0);
      if (damaged.length === batch.length && !damaged.equals(batch)) {
        const isUntouched = damaged.subarray(17).equals(batch.subarray(17));
        const isComplete = header.sizeBytes === batch.length;
        assert.equal(isBatchCrcValid(damaged, header), isUntouched && isComplete);
      }
      validateRecords(damaged, header, LIMIT);
    });
    survives(round, () => void downConvert(damaged, prng.chance(0.5) ? 1 : 0, LIMIT));
  }
  // Damage may hit what decoding does not look at, but mostly it must have been noticed.
  assert.ok(read > 0 && read < ROUNDS * 0.8, `${read} of ${ROUNDS}`);
});

test('damage inside an uncompressed batch with a matching CRC is survived too', () => {
  for (let round = 0; round < ROUNDS; round++) {
    const prng = new Prng(`records ${round}`);
    const batch = encodeBatch({ records: someRecords(prng) });
    const body = damage(prng, batch.subarray(61));
    const damaged = Buffer.concat([batch.subarray(0, 61), body]);
    damaged.writeInt32BE(damaged.length - 12, 8);
    const header = readBatchHeader(damaged, 0);
    setLogAppendTime(damaged, header, 1);
    assert.ok(isBatchCrcValid(damaged, readBatchHeader(damaged, 0)));
    survives(round, () => void decodeRecords(damaged, header, LIMIT));
    survives(round, () => void validateRecords(damaged, header, LIMIT));
  }
});

test('damaged message sets give messages or an error of the protocol', () => {
  for (let round = 0; round < ROUNDS; round++) {
    const prng = new Prng(`set ${round}`);
    const magic = prng.chance(0.5) ? 1 : 0;
    const messages = someRecords(prng).map((record, offset) => ({
      offset,
      timestamp: record.timestamp ?? -1,
      key: record.key ?? null,
      value: record.value ?? null,
    }));
    const compression = prng.int(4) as CompressionCodec;
    const set = encodeMessageSet(messages, { magic, compression });
    assert.equal(readMessageSet(set).length, messages.length);
    const damaged = damage(prng, set);
    survives(round, () => void readMessageSet(damaged, LIMIT));
    survives(round, () => void upConvert(damaged, LIMIT));
  }
});

test('noise gives records or an error of the protocol', () => {
  for (let round = 0; round < ROUNDS; round++) {
    const prng = new Prng(`noise ${round}`);
    const noise = Buffer.from(prng.bytes(prng.int(200)));
    if (noise.length > 16) noise[16] = prng.int(3);
    if (noise.length > 12 && prng.chance(0.8)) noise.writeInt32BE(noise.length - 12, 8);
    survives(round, () => {
      for (const header of batchHeaders(noise)) decodeRecords(noise, header, LIMIT);
    });
    survives(round, () => void readMessageSet(noise, LIMIT));
    survives(round, () => void upConvert(noise, LIMIT));
    survives(round, () => void downConvert(noise, 1, LIMIT));
  }
});
