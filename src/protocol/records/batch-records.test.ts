// Encoding, decoding and validating the records of a batch, and the builder of a producer.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { ErrorCode, type ErrorName, KafkaError } from '../errors.ts';
import {
  BatchBuilder,
  type BatchOptions,
  type CompressionCodec,
  decodeRecords,
  eachRecord,
  encodeBatch,
  isBatchCrcValid,
  RECORD_BATCH_OVERHEAD,
  type RecordInput,
  readBatchHeader,
  sequenceAfter,
  validateRecords,
} from './index.ts';

function failsWith(name: ErrorName): (error: unknown) => boolean {
  return (error) => error instanceof KafkaError && error.code === ErrorCode[name];
}

const bytes = fc.option(
  fc.uint8Array({ maxLength: 60 }).map((value) => Buffer.from(value)),
  { nil: null },
);
const timestamps = fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 4_000_000_000_000 }));
const plain = { noNullPrototype: true };
const header = fc.record({ key: fc.string({ unit: 'grapheme' }), value: bytes }, plain);
const record = fc.record(
  { key: bytes, value: bytes, timestamp: timestamps, headers: fc.array(header, { maxLength: 3 }) },
  plain,
);

for (const compression of [0, 1, 2, 3, 4] as const) {
  test(`any records come back as they were, compression ${compression}`, () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 20 }),
        fc.nat(2 ** 40),
        fc.integer({ min: -1 }),
        (records, baseOffset, baseSequence) => {
          const batch = encodeBatch({ records, baseOffset, baseSequence, compression });
          const header = readBatchHeader(batch, 0);
          assert.ok(isBatchCrcValid(batch, header));
          assert.equal(header.sizeBytes, batch.length);
          const decoded = decodeRecords(batch, header);
          assert.deepEqual(
            decoded,
            records.map((one, index) => ({
              ...one,
              offset: baseOffset + index,
              sequence: baseSequence < 0 ? -1 : sequenceAfter(baseSequence, index),
            })),
          );
          assert.deepEqual([...eachRecord(batch, header)], decoded);
          if (records.length > 0) {
            const summary = validateRecords(batch, header);
            const times = records.map((one) => one.timestamp);
            assert.equal(summary.maxTimestamp, Math.max(...times));
            assert.equal(summary.minTimestamp, Math.min(...times));
            assert.equal(
              summary.offsetOfMaxTimestamp,
              baseOffset + times.indexOf(Math.max(...times)),
            );
            assert.equal(
              summary.firstKeylessIndex,
              records.findIndex((one) => one.key === null),
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });
}

test('keys and values are slices of an uncompressed batch, not copies', () => {
  const batch = encodeBatch({ records: [{ key: Buffer.from('k'), value: Buffer.from('v') }] });
  const [decoded] = decodeRecords(batch, readBatchHeader(batch, 0));
  assert.equal(decoded?.key?.buffer, batch.buffer);
  assert.equal(decoded?.value?.buffer, batch.buffer);
});

test('sequence numbers start again from 0 after the largest int32', () => {
  const records = [{ value: null }, { value: null }, { value: null }];
  const batch = encodeBatch({ records, producerId: 1, baseSequence: 2 ** 31 - 2 });
  const decoded = decodeRecords(batch, readBatchHeader(batch, 0));
  assert.deepEqual(
    decoded.map((one) => one.sequence),
    [2 ** 31 - 2, 2 ** 31 - 1, 0],
  );
});

test('a compacted batch keeps its gaps, its last offset and its delete horizon', () => {
  const batch = encodeBatch({
    records: [
      { offset: 102, key: Buffer.from('a'), timestamp: 3000 },
      { offset: 107, key: Buffer.from('b'), timestamp: 9000 },
    ],
    baseOffset: 100,
    lastOffsetDelta: 9,
    deleteHorizonMs: 5000,
  });
  const header = readBatchHeader(batch, 0);
  assert.ok(header.hasDeleteHorizon);
  assert.equal(header.baseTimestamp, 5000);
  assert.equal(header.lastOffset, 109);
  assert.deepEqual(
    decodeRecords(batch, header).map((one) => [one.offset, one.timestamp]),
    [
      [102, 3000],
      [107, 9000],
    ],
  );
});

test('a batch that compaction emptied has a last offset and no records', () => {
  for (const compression of [0, 1] as const) {
    const batch = encodeBatch({ records: [], baseOffset: 50, lastOffsetDelta: 4, compression });
    const header = readBatchHeader(batch, 0);
    assert.equal(header.recordCount, 0);
    assert.equal(header.lastOffset, 54);
    assert.deepEqual(decodeRecords(batch, header), []);
  }
});

function damaged(records: readonly RecordInput[], damage: (batch: Buffer) => void): Buffer {
  const batch = encodeBatch({ records });
  damage(batch);
  return batch;
}

const three = [{ value: Buffer.from('a') }, { value: Buffer.from('b') }, { key: Buffer.from('c') }];
/** Each of these records takes eight bytes: length, attributes, time, offset, key, value, count. */
const RECORD_BYTES = 8;
const second = RECORD_BATCH_OVERHEAD + RECORD_BYTES;

const damages: [string, (batch: Buffer) => void][] = [
  ['fewer records than counted', (batch) => batch.fill(0, second)],
  ['more records than counted', (batch) => setCount(batch, 2)],
  ['a count beyond what the bytes can hold', (batch) => setCount(batch, 1_000_000)],
  ['a record longer than the batch', (batch) => batch.writeUInt8(0x7e, second)],
  ['a record of negative length', (batch) => batch.writeUInt8(1, second)],
  ['a record too short for its parts', (batch) => batch.writeUInt8(12, second)],
  ['a key longer than the record', (batch) => batch.writeUInt8(20, second + 4)],
  ['a key of length -2', (batch) => batch.writeUInt8(3, second + 4)],
  ['a negative header count', (batch) => batch.writeUInt8(1, second + 7)],
  ['headers that are not there', (batch) => batch.writeUInt8(2, second + 7)],
];

function setCount(batch: Buffer, count: number): void {
  batch.writeInt32BE(count - 1, 23);
  batch.writeInt32BE(count, 57);
}

for (const [what, damage] of damages) {
  test(`a batch with ${what} is refused`, () => {
    const batch = damaged(three, damage);
    const header = readBatchHeader(batch, 0);
    assert.throws(() => decodeRecords(batch, header), failsWith('CORRUPT_MESSAGE'));
    assert.throws(() => [...eachRecord(batch, header)], failsWith('CORRUPT_MESSAGE'));
    assert.throws(() => validateRecords(batch, header), failsWith('INVALID_RECORD'));
  });
}

test('a producer must number its records 0, 1, 2, whatever a compactor may leave out', () => {
  const cases: BatchOptions[] = [{ lastOffsetDelta: 5 }, {}];
  for (const options of cases) {
    const gap = options.lastOffsetDelta === undefined ? { offset: 2 } : {};
    const batch = encodeBatch({ ...options, records: [{ value: null }, { value: null, ...gap }] });
    const header = readBatchHeader(batch, 0);
    assert.equal(decodeRecords(batch, header).length, 2);
    assert.throws(() => validateRecords(batch, header), failsWith('INVALID_RECORD'));
  }
  const batch = damaged(three, (bad) => bad.writeUInt8(4, second + 3));
  const header = readBatchHeader(batch, 0);
  assert.throws(() => validateRecords(batch, header), failsWith('INVALID_RECORD'));
});

test('a small batch that decompresses to too much is refused', () => {
  const records = [{ value: Buffer.alloc(2_000_000) }];
  for (const compression of [1, 2, 3, 4] as CompressionCodec[]) {
    const batch = encodeBatch({ records, compression });
    assert.ok(batch.length < 200_000);
    const header = readBatchHeader(batch, 0);
    const options = { uncompressedBytesMax: 1_000_000 };
    const tooLarge = failsWith('MESSAGE_TOO_LARGE');
    assert.throws(() => decodeRecords(batch, header, options), tooLarge);
    assert.throws(() => validateRecords(batch, header, options), tooLarge);
    assert.equal(decodeRecords(batch, header).length, 1);
  }
});

test('a batch whose bytes are not all there is corrupt, not read beyond its end', () => {
  const batch = encodeBatch({ records: three });
  const header = readBatchHeader(batch, 0);
  const cut = batch.subarray(0, batch.length - 1);
  assert.throws(() => decodeRecords(cut, header), failsWith('CORRUPT_MESSAGE'));
});

test('a builder takes records until the batch is full, and one however large', () => {
  const value = Buffer.alloc(100);
  const builder = new BatchBuilder({ sizeBytesMax: 1000 });
  let count = 0;
  while (builder.append({ value, timestamp: 1 })) count++;
  const sizeBytes = builder.sizeBytes;
  const batch = builder.build();
  assert.equal(batch.length, sizeBytes);
  assert.ok(batch.length <= 1000 && batch.length + 108 > 1000);
  assert.equal(readBatchHeader(batch, 0).recordCount, count);

  const tight = new BatchBuilder({ sizeBytesMax: 1000 });
  assert.ok(tight.append({ value: Buffer.alloc(5000) }));
  assert.equal(tight.append({ value: null }), false);
  assert.equal(readBatchHeader(tight.build(), 0).recordCount, 1);
});

test('a builder that knows how well its records compress takes more of them', () => {
  const options = { sizeBytesMax: 2000, compression: 1 } as const;
  const count = (builder: BatchBuilder): number => {
    while (builder.append({ value: Buffer.alloc(100) }));
    return builder.recordCount;
  };
  const careful = count(new BatchBuilder(options));
  const knowing = count(new BatchBuilder({ ...options, compressionRatio: 0.25 }));
  assert.ok(knowing > 3 * careful, `${knowing} and ${careful}`);
});

test('producer id, epoch and sequence may be given when the batch is built', () => {
  const builder = new BatchBuilder({ isTransactional: true });
  builder.append({ value: Buffer.from('x'), timestamp: 9 });
  const batch = builder.build({ producerId: 5, producerEpoch: 6, baseSequence: 7 });
  const header = readBatchHeader(batch, 0);
  assert.deepEqual(
    [header.producerId, header.producerEpoch, header.baseSequence, header.isTransactional],
    [5, 6, 7, true],
  );
  assert.ok(isBatchCrcValid(batch, header));
});
