import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decodeRecords, encodeBatch, isBatchCrcValid, readBatchHeader } from './index.ts';

test('a batch of three records comes back as it was', () => {
  const records = [
    { key: null, value: Buffer.from('a'), timestamp: 1000 },
    {
      key: Buffer.from('k'),
      value: null,
      timestamp: 900,
      headers: [{ key: 'h', value: Buffer.from('v') }],
    },
    { key: Buffer.alloc(0), value: Buffer.alloc(300, 7), timestamp: 2000 },
  ];
  const batch = encodeBatch({ records, baseOffset: 42 });
  const header = readBatchHeader(batch, 0);
  assert.ok(isBatchCrcValid(batch, header));
  assert.equal(header.lastOffset, 44);
  assert.equal(header.maxTimestamp, 2000);
  assert.deepEqual(
    decodeRecords(batch, header),
    records.map((record, index) => ({
      headers: [],
      ...record,
      offset: 42 + index,
      sequence: -1,
    })),
  );
});
