// Bytes written by Java's classes and by kafkajs, with what Java reads from them: the proof of the
// formats that a round trip through one's own code cannot give. golden/README.md has the origin.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  batchHeaders,
  decodeEndTransactionMarker,
  decodeRecords,
  encodeBatch,
  encodeEndTransactionMarker,
  encodeMessageSet,
  isBatchCrcValid,
  magicOf,
  type RecordHeader,
  readMessageSet,
  validateRecords,
} from './index.ts';

interface GoldenRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly sequence: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

interface GoldenBatch {
  readonly magic: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly timestampType: number;
  readonly codec: 0 | 1 | 2 | 3 | 4;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly leaderEpoch: number;
  readonly transactional: boolean;
  readonly control: boolean;
  readonly records: readonly GoldenRecord[];
}

interface Golden {
  readonly name: string;
  readonly hex: string;
  readonly batches: readonly GoldenBatch[];
}

/** The files stay with the sources; this test runs from a build folder somewhere below the root. */
function readGolden(name: string): Golden[] {
  let root = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', root))) root = new URL('..', root);
  const text = readFileSync(new URL(`src/protocol/records/golden/${name}`, root), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Golden);
}

function toHex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex');
}

function fromHex(hex: string | null): Buffer | null {
  return hex === null ? null : Buffer.from(hex, 'hex');
}

function described(record: {
  offset: number;
  timestamp: number;
  sequence: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly RecordHeader[];
}): GoldenRecord {
  return {
    offset: record.offset,
    timestamp: record.timestamp,
    sequence: record.sequence,
    key: toHex(record.key),
    value: toHex(record.value),
    headers: record.headers.map(({ key, value }) => [key, toHex(value)] as const),
  };
}

function inputs(batch: GoldenBatch) {
  return batch.records.map((record) => ({
    offset: record.offset,
    timestamp: record.timestamp,
    key: fromHex(record.key),
    value: fromHex(record.value),
    headers: record.headers.map(([key, value]) => ({ key, value: fromHex(value) })),
  }));
}

const java = readGolden('kafka-clients-4.4.0.jsonl');
const all = [...java, ...readGolden('kafkajs.jsonl')];

for (const golden of all.filter((one) => one.batches[0]?.magic === 2)) {
  test(`batches are read as Java reads them: ${golden.name}`, () => {
    const buffer = Buffer.from(golden.hex, 'hex');
    const headers = [...batchHeaders(buffer)];
    assert.equal(headers.length, golden.batches.length);
    for (const [index, header] of headers.entries()) {
      const batch = golden.batches[index] as GoldenBatch;
      assert.ok(isBatchCrcValid(buffer, header));
      assert.equal(header.baseOffset, batch.baseOffset);
      assert.equal(header.lastOffset, batch.lastOffset);
      assert.equal(header.maxTimestamp, batch.maxTimestamp);
      assert.equal(header.timestampType, batch.timestampType);
      assert.equal(header.compression, batch.codec);
      assert.equal(header.producerId, batch.producerId);
      assert.equal(header.producerEpoch, batch.producerEpoch);
      assert.equal(header.baseSequence, batch.baseSequence);
      assert.equal(header.partitionLeaderEpoch, batch.leaderEpoch);
      assert.equal(header.isTransactional, batch.transactional);
      assert.equal(header.isControl, batch.control);
      assert.deepEqual(decodeRecords(buffer, header).map(described), batch.records);
      const summary = validateRecords(buffer, header);
      assert.equal(summary.maxTimestamp, batch.maxTimestamp);
    }
  });
}

for (const golden of all.filter((one) => (one.batches[0]?.magic ?? 2) < 2)) {
  test(`message sets are read as Java reads them: ${golden.name}`, () => {
    const set = Buffer.from(golden.hex, 'hex');
    assert.equal(magicOf(set), golden.batches[0]?.magic);
    const records = readMessageSet(set).map((message) =>
      described({ ...message, sequence: -1, headers: [] }),
    );
    assert.deepEqual(
      records,
      golden.batches.flatMap((batch) => batch.records),
    );
  });
}

test('batches without compression are written as Java writes them, byte for byte', () => {
  let count = 0;
  for (const { name, hex, batches } of java) {
    const [batch] = batches as [GoldenBatch];
    // Java leaves the create time of records in the deltas when the broker sets the time.
    if (batch.magic !== 2 || batch.codec !== 0 || batch.control || batch.timestampType === 1) {
      continue;
    }
    const written = encodeBatch({
      records: inputs(batch),
      baseOffset: batch.baseOffset,
      partitionLeaderEpoch: batch.leaderEpoch,
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      isTransactional: batch.transactional,
    });
    assert.equal(written.toString('hex'), hex, name);
    count++;
  }
  assert.equal(count, 2);
});

test('message sets without compression are written as Java writes them, byte for byte', () => {
  for (const magic of [0, 1] as const) {
    const golden = java.find((one) => one.name === `v${magic} none`) as Golden;
    const written = encodeMessageSet(golden.batches.flatMap(inputs), { magic });
    assert.equal(written.toString('hex'), golden.hex);
  }
});

test('end transaction markers are written as Java writes them and read back', () => {
  for (const [name, isCommit] of [
    ['v2 commit marker', true],
    ['v2 abort marker', false],
  ] as const) {
    const { hex, batches } = java.find((one) => one.name === name) as Golden;
    const batch = batches[0] as GoldenBatch;
    const buffer = Buffer.from(hex, 'hex');
    const [header] = batchHeaders(buffer);
    assert.ok(header?.isControl);
    const [record] = decodeRecords(buffer, header);
    assert.ok(record);
    const marker = decodeEndTransactionMarker(record);
    assert.deepEqual(marker, { isCommit, coordinatorEpoch: isCommit ? 17 : 18 });
    const written = encodeEndTransactionMarker({
      ...marker,
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      timestamp: batch.maxTimestamp,
      baseOffset: batch.baseOffset,
      partitionLeaderEpoch: batch.leaderEpoch,
    });
    assert.equal(written.toString('hex'), hex);
  }
});
