// A batch that loses records: what stays is as it was, and the header tells the truth about it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeBatch } from './batch-builder.ts';
import { type CompressionCodec, isBatchCrcValid, readBatchHeader } from './batch-header.ts';
import { decodeRecords } from './batch-records.ts';
import { emptyBatch, FilteredBatch } from './filter-records.ts';
import type { RecordInput } from './record.ts';

const start = 1_700_000_000_000;

const records: RecordInput[] = [
  { key: Buffer.from('a'), value: Buffer.from('1'), timestamp: start },
  { key: Buffer.from('b'), value: null, timestamp: start + 70_000 },
  {
    key: Buffer.from('c'),
    value: Buffer.from('3'.repeat(200)),
    timestamp: start - 5,
    headers: [{ key: 'h', value: Buffer.from([0xff, 0xfe]) }],
  },
];

function batchOf(compression: CompressionCodec = 0): Buffer {
  return encodeBatch({
    records,
    baseOffset: 40,
    compression,
    partitionLeaderEpoch: 3,
    producerId: 9,
    producerEpoch: 1,
    baseSequence: 5,
    isTransactional: true,
  });
}

/** A batch lies behind something else, as in a file. */
function filter(batch: Buffer, kept: string): FilteredBatch {
  const buffer = Buffer.concat([Buffer.alloc(7), batch]);
  return new FilteredBatch(buffer, readBatchHeader(buffer, 7), (record, bytes) =>
    kept.includes(String.fromCharCode(bytes[record.keyPosition] as number)),
  );
}

describe('a batch without some of its records', () => {
  for (const compression of [0, 1, 2, 3, 4] as const) {
    test(`keeps offsets, sequences and timestamps, compression ${compression}`, () => {
      const before = batchOf(compression);
      const filtered = filter(before, 'bc');
      assert.ok(filtered.hasTombstone && !filtered.isWhole && filtered.keptCount === 2);
      const after = filtered.encode();
      const header = readBatchHeader(after, 0);
      assert.ok(isBatchCrcValid(after, header));
      const whole = readBatchHeader(before, 0);
      const { sizeBytes: _, crc: __, recordCount: ___, ...rest } = whole;
      const { sizeBytes, crc, recordCount, ...found } = header;
      assert.deepEqual(found, rest);
      assert.equal(recordCount, 2);
      assert.equal(sizeBytes, after.length);
      assert.ok(crc !== whole.crc);
      assert.deepEqual(decodeRecords(after, header), decodeRecords(before, whole).slice(1));
    });
  }

  test('has the largest timestamp of those that are left', () => {
    const after = filter(batchOf(), 'ac').encode();
    assert.equal(readBatchHeader(after, 0).maxTimestamp, start);
  });

  test('takes a delete horizon without a change of any timestamp', () => {
    for (const horizonMs of [start + 86_400_000, start - 1, 2 ** 45]) {
      const before = batchOf(1);
      const after = filter(before, 'bc').encode(horizonMs);
      const header = readBatchHeader(after, 0);
      assert.ok(isBatchCrcValid(after, header) && header.hasDeleteHorizon);
      assert.equal(header.baseTimestamp, horizonMs);
      assert.equal(header.maxTimestamp, start + 70_000);
      const whole = readBatchHeader(before, 0);
      assert.deepEqual(decodeRecords(after, header), decodeRecords(before, whole).slice(1));
      // And keeps it when more records go.
      const again = filter(after, 'c').encode();
      assert.equal(readBatchHeader(again, 0).baseTimestamp, horizonMs);
      assert.equal(decodeRecords(again, readBatchHeader(again, 0))[0]?.timestamp, start - 5);
    }
  });

  test('of log append time keeps that time', () => {
    const batch = encodeBatch({ records, timestampType: 1, maxTimestamp: start + 9 });
    const after = filter(batch, 'a').encode(start);
    const header = readBatchHeader(after, 0);
    assert.equal(header.maxTimestamp, start + 9);
    assert.equal(decodeRecords(after, header)[0]?.timestamp, start + 9);
  });
});

test('an emptied batch has its offsets, producer and sequence, and no codec', () => {
  const before = batchOf(4);
  const after = emptyBatch(before, readBatchHeader(before, 0));
  const header = readBatchHeader(after, 0);
  assert.ok(isBatchCrcValid(after, header));
  assert.equal(after.length, 61);
  assert.equal(header.lastOffset, 42);
  assert.equal(header.recordCount, 0);
  assert.equal(header.compression, 0);
  assert.equal(header.baseTimestamp, -1);
  assert.equal(header.maxTimestamp, start + 70_000);
  assert.deepEqual([header.producerId, header.producerEpoch, header.baseSequence], [9, 1, 5]);
  assert.ok(header.isTransactional);
  assert.deepEqual(decodeRecords(after, header), []);
});
