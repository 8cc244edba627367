// The header of a batch: reading, walking, the CRC and what may be patched in place.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ErrorCode, KafkaError } from '../errors.ts';
import {
  batchHeaders,
  batchSizeAt,
  decodeRecords,
  encodeBatch,
  isBatchCrcValid,
  magicOf,
  RECORD_BATCH_OVERHEAD,
  readBatchHeader,
  setBaseOffset,
  setLogAppendTime,
  setMaxTimestamp,
  setPartitionLeaderEpoch,
} from './index.ts';

function isCorrupt(error: unknown): boolean {
  return error instanceof KafkaError && error.code === ErrorCode.CORRUPT_MESSAGE;
}

function batchOf(count: number, value = 'value'): Buffer {
  const records = Array.from({ length: count }, (_, index) => ({
    value: Buffer.from(value),
    timestamp: 1000 + index,
  }));
  return encodeBatch({ records });
}

test('headers are read anywhere in a buffer', () => {
  const batch = encodeBatch({
    records: [{ value: Buffer.from('x'), timestamp: 5 }],
    baseOffset: 2 ** 40,
    partitionLeaderEpoch: 3,
    producerId: 2 ** 45 + 1,
    producerEpoch: 12,
    baseSequence: 99,
    isTransactional: true,
    isControl: true,
  });
  const header = readBatchHeader(Buffer.concat([Buffer.alloc(7), batch]), 7);
  assert.deepEqual(header, {
    position: 7,
    sizeBytes: batch.length,
    baseOffset: 2 ** 40,
    partitionLeaderEpoch: 3,
    magic: 2,
    crc: header.crc,
    attributes: 0x30,
    compression: 0,
    timestampType: 0,
    isTransactional: true,
    isControl: true,
    hasDeleteHorizon: false,
    lastOffsetDelta: 0,
    lastOffset: 2 ** 40,
    baseTimestamp: 5,
    maxTimestamp: 5,
    producerId: 2 ** 45 + 1,
    producerEpoch: 12,
    baseSequence: 99,
    recordCount: 1,
  });
});

test('a header that is cut short or impossible is corrupt', () => {
  const batch = batchOf(3);
  for (let length = 0; length < RECORD_BATCH_OVERHEAD; length++) {
    assert.throws(() => readBatchHeader(batch.subarray(0, length), 0), isCorrupt);
  }
  assert.throws(() => readBatchHeader(batch, -1), isCorrupt);
  const changes: [string, (bad: Buffer) => void][] = [
    ['magic 1', (bad) => bad.writeInt8(1, 16)],
    ['magic 3', (bad) => bad.writeInt8(3, 16)],
    ['size 48', (bad) => bad.writeInt32BE(48, 8)],
    ['size -1', (bad) => bad.writeInt32BE(-1, 8)],
    ['compression 5', (bad) => bad.writeInt16BE(5, 21)],
    ['last offset delta -1', (bad) => bad.writeInt32BE(-1, 23)],
    ['count -1', (bad) => bad.writeInt32BE(-1, 57)],
    ['count 4 in 3 offsets', (bad) => bad.writeInt32BE(4, 57)],
  ];
  for (const [name, change] of changes) {
    const bad = Buffer.from(batch);
    change(bad);
    assert.throws(() => readBatchHeader(bad, 0), isCorrupt, name);
  }
});

test('walking the batches stops before one that is cut short', () => {
  const batches = Buffer.concat([batchOf(1), batchOf(2), batchOf(3)]);
  const second = batchSizeAt(batches, 0) as number;
  const third = second + (batchSizeAt(batches, second) as number);
  for (let length = 0; length <= batches.length; length++) {
    const counts = [...batchHeaders(batches.subarray(0, length))].map((one) => one.recordCount);
    const expected = [1, 2, 3].slice(
      0,
      [second, third, batches.length].filter((end) => end <= length).length,
    );
    assert.deepEqual(counts, expected);
  }
  assert.equal(batchSizeAt(batches.subarray(0, 11), 0), null);
  assert.equal(magicOf(batches.subarray(0, 16)), null);
  assert.equal(magicOf(batches), 2);
});

test('walking ends with an error at a batch whose size would not move it on', () => {
  const batches = Buffer.concat([batchOf(1), batchOf(1)]);
  batches.writeInt32BE(-12, (batchSizeAt(batches, 0) as number) + 8);
  assert.throws(() => [...batchHeaders(batches)], isCorrupt);
});

test('every bit behind the CRC field is under the CRC, those before it are not', () => {
  const batch = batchOf(2);
  const header = readBatchHeader(batch, 0);
  assert.ok(isBatchCrcValid(batch, header));
  for (let bit = 0; bit < batch.length * 8; bit++) {
    const byte = bit >> 3;
    batch[byte] = (batch[byte] as number) ^ (1 << (bit & 7));
    const isCovered = byte >= 21;
    assert.equal(isBatchCrcValid(batch, header), !isCovered, `bit ${bit}`);
    batch[byte] = (batch[byte] as number) ^ (1 << (bit & 7));
  }
  assert.equal(isBatchCrcValid(batch.subarray(0, batch.length - 1), header), false);
});

test('base offset and leader epoch are set without breaking the CRC', () => {
  const buffer = Buffer.concat([Buffer.from('abc'), batchOf(4)]);
  setBaseOffset(buffer, 3, 2 ** 50);
  setPartitionLeaderEpoch(buffer, 3, 17);
  const header = readBatchHeader(buffer, 3);
  assert.equal(header.baseOffset, 2 ** 50);
  assert.equal(header.partitionLeaderEpoch, 17);
  assert.ok(isBatchCrcValid(buffer, header));
  assert.equal(buffer.toString('latin1', 0, 3), 'abc');
});

test('log append time gives all records of a batch one timestamp', () => {
  const buffer = Buffer.concat([Buffer.from('abc'), batchOf(3)]);
  setLogAppendTime(buffer, readBatchHeader(buffer, 3), 77_000);
  const header = readBatchHeader(buffer, 3);
  assert.equal(header.timestampType, 1);
  assert.equal(header.maxTimestamp, 77_000);
  assert.ok(isBatchCrcValid(buffer, header));
  const timestamps = decodeRecords(buffer, header).map((record) => record.timestamp);
  assert.deepEqual(timestamps, [77_000, 77_000, 77_000]);
});

test('the max timestamp of a batch can be corrected', () => {
  const batch = batchOf(3);
  setMaxTimestamp(batch, readBatchHeader(batch, 0), 1234);
  const header = readBatchHeader(batch, 0);
  assert.equal(header.maxTimestamp, 1234);
  assert.equal(header.timestampType, 0);
  assert.ok(isBatchCrcValid(batch, header));
});
