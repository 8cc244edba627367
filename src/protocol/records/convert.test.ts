// Message sets of format 0 and 1, and the way between them and record batches.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ErrorCode, type ErrorName, KafkaError } from '../errors.ts';
import {
  batchHeaders,
  type CompressionCodec,
  decodeRecords,
  downConvert,
  encodeBatch,
  encodeEndTransactionMarker,
  encodeMessageSet,
  isBatchCrcValid,
  magicRuns,
  readBatchHeader,
  readMessageSet,
  setLogAppendTime,
  upConvert,
  validateRecords,
} from './index.ts';

function failsWith(name: ErrorName): (error: unknown) => boolean {
  return (error) => error instanceof KafkaError && error.code === ErrorCode[name];
}

const codecs: CompressionCodec[] = [0, 1, 2, 3];
const messages = [
  { offset: 7, timestamp: 1000, key: Buffer.from('a'), value: Buffer.from('1') },
  { offset: 8, timestamp: 3000, key: null, value: Buffer.alloc(0) },
  { offset: 12, timestamp: 2000, key: Buffer.alloc(0), value: null },
];

for (const magic of [0, 1] as const) {
  for (const compression of codecs) {
    test(`message format ${magic} comes back as it was, compression ${compression}`, () => {
      const set = encodeMessageSet(messages, { magic, compression });
      const expected = messages.map((message) => ({
        ...message,
        timestamp: magic === 0 ? -1 : message.timestamp,
        magic,
        compression,
        timestampType: 0,
      }));
      assert.deepEqual(readMessageSet(set), expected);
      const twice = Buffer.concat([set, set]);
      assert.deepEqual(readMessageSet(twice), [...expected, ...expected]);
      for (let cut = 1; cut < set.length; cut++) {
        const partial = twice.subarray(0, twice.length - cut);
        const read = readMessageSet(partial);
        assert.deepEqual(read, [...expected, ...expected].slice(0, read.length));
        assert.ok(read.length >= expected.length && read.length < 2 * expected.length);
      }
    });

    test(`what a producer of format ${magic} sent becomes a batch, codec ${compression}`, () => {
      const set = encodeMessageSet(messages, { magic, compression });
      const batch = upConvert(set);
      const header = readBatchHeader(batch, 0);
      assert.equal(header.sizeBytes, batch.length);
      assert.ok(isBatchCrcValid(batch, header));
      assert.equal(header.compression, compression);
      assert.equal(header.maxTimestamp, magic === 0 ? -1 : 3000);
      validateRecords(batch, header);
      assert.deepEqual(
        decodeRecords(batch, header),
        messages.map(({ key, value, timestamp }, index) => ({
          offset: index,
          timestamp: magic === 0 ? -1 : timestamp,
          key,
          value,
          headers: [],
          sequence: -1,
        })),
      );
    });

    test(`batches become message sets of format ${magic} again, codec ${compression}`, () => {
      const headers = [{ key: 'h', value: Buffer.from('lost') }];
      const records = messages.map((message) => ({ ...message, headers }));
      const batches = Buffer.concat([
        encodeBatch({ records, baseOffset: 5, compression }),
        encodeEndTransactionMarker({
          producerId: 1,
          producerEpoch: 0,
          coordinatorEpoch: 0,
          isCommit: true,
          timestamp: 1,
          baseOffset: 13,
        }),
        encodeBatch({ records: [{ value: Buffer.from('z'), timestamp: 9 }], baseOffset: 14 }),
      ]);
      const expected = [
        ...messages.map((message) => ({ ...message, compression })),
        { offset: 14, timestamp: 9, key: null, value: Buffer.from('z'), compression: 0 },
      ].map((one) => ({
        ...one,
        timestamp: magic === 0 ? -1 : one.timestamp,
        magic,
        timestampType: 0,
      }));
      assert.deepEqual(readMessageSet(downConvert(batches, magic)), expected);
      assert.deepEqual(
        readMessageSet(downConvert(batches, magic, { firstOffset: 8 })),
        expected.slice(1),
      );
      assert.deepEqual(
        readMessageSet(downConvert(batches.subarray(0, batches.length - 1), magic)),
        expected.slice(0, 3),
      );
    });
  }
}

test('log append time reaches consumers of format 1', () => {
  for (const compression of codecs) {
    const batch = encodeBatch({ records: messages, compression });
    setLogAppendTime(batch, readBatchHeader(batch, 0), 5555);
    const read = readMessageSet(downConvert(batch, 1));
    assert.deepEqual(
      read.map((one) => [one.timestamp, one.timestampType]),
      [
        [5555, 1],
        [5555, 1],
        [5555, 1],
      ],
    );
  }
});

test('a fetched field is split where the message format changes', () => {
  const old = encodeMessageSet(messages, { magic: 1 });
  const older = encodeMessageSet(messages, { magic: 0, compression: 2 });
  const batch = encodeBatch({ records: messages, baseOffset: 5 });
  const field = Buffer.concat([older, old, old, batch, batch]);
  const expected = [
    { magic: 0, bytes: older },
    { magic: 1, bytes: Buffer.concat([old, old]) },
    { magic: 2, bytes: Buffer.concat([batch, batch]) },
  ];
  assert.deepEqual([...magicRuns(field)], expected);
  const cut = [...magicRuns(field.subarray(0, field.length - 3))];
  assert.equal(cut.length, 3);
  assert.equal([...batchHeaders(cut[2]?.bytes as Buffer)].length, 1);
  assert.deepEqual([...magicRuns(field.subarray(0, 10))], []);
  field.writeInt32BE(-20, older.length + 8);
  assert.throws(() => [...magicRuns(field)], failsWith('CORRUPT_MESSAGE'));
});

test('nothing comes of nothing', () => {
  const empty = Buffer.alloc(0);
  assert.equal(upConvert(empty).length, 0);
  assert.equal(downConvert(empty, 1).length, 0);
  assert.equal(encodeMessageSet([], { magic: 1, compression: 1 }).length, 0);
  assert.deepEqual(readMessageSet(empty), []);
});

test('zstd is refused for consumers that cannot know it', () => {
  const batch = encodeBatch({ records: messages, compression: 4 });
  assert.equal([...batchHeaders(batch)].length, 1);
  assert.throws(() => downConvert(batch, 1), failsWith('UNSUPPORTED_COMPRESSION_TYPE'));
});

test('a batch that cannot be converted hides none before it from old consumers', () => {
  const good = encodeBatch({ records: messages });
  const zstd = encodeBatch({ records: messages, compression: 4, baseOffset: 3 });
  const broken = encodeBatch({ records: messages, compression: 3, baseOffset: 3 });
  broken.fill(0, 61);
  for (const [bad, error] of [
    [zstd, 'UNSUPPORTED_COMPRESSION_TYPE'],
    [broken, 'CORRUPT_MESSAGE'],
  ] as const) {
    assert.equal(readMessageSet(downConvert(Buffer.concat([good, bad, good]), 1)).length, 3);
    assert.throws(() => downConvert(Buffer.concat([bad, good]), 1), failsWith(error));
    const options = { firstOffset: 1000 };
    assert.throws(() => downConvert(Buffer.concat([good, bad]), 1, options), failsWith(error));
  }
});

test('messages with a wrong CRC or cut short are not accepted from a producer', () => {
  const set = encodeMessageSet(messages.slice(0, 1), { magic: 1 });
  assert.throws(() => upConvert(set.subarray(0, set.length - 1)), failsWith('CORRUPT_MESSAGE'));
  assert.throws(() => upConvert(set.subarray(0, 5)), failsWith('CORRUPT_MESSAGE'));
  // All but the offset in front.
  for (let at = 8; at < set.length; at++) {
    const damaged = Buffer.from(set);
    damaged[at] = (damaged[at] as number) ^ 4;
    assert.throws(() => upConvert(damaged), failsWith('CORRUPT_MESSAGE'), `byte ${at}`);
  }
});

test('all wrappers of a set together must not decompress to too much', () => {
  const wrapper = encodeMessageSet([{ offset: 0, value: Buffer.alloc(100_000) }], {
    magic: 1,
    compression: 1,
  });
  const set = Buffer.concat([wrapper, wrapper, wrapper]);
  assert.equal(readMessageSet(set, { uncompressedBytesMax: 301_000 }).length, 3);
  assert.throws(
    () => readMessageSet(set, { uncompressedBytesMax: 250_000 }),
    failsWith('MESSAGE_TOO_LARGE'),
  );
  assert.throws(
    () => upConvert(set, { uncompressedBytesMax: 250_000 }),
    failsWith('MESSAGE_TOO_LARGE'),
  );
});
