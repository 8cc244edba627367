// Batches that say of themselves that the log gave their times, and compressed ones that nobody can
// read. All the other rules are compared with Apache Kafka's in tests/interop/record-rules.test.ts,
// and more damage of compressed batches in damaged-batches.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CompressionCodec,
  compress,
  crc32c,
  decodeRecords,
  encodeBatch,
  isBatchCrcValid,
  KafkaError,
} from '../../protocol/index.ts';
import { type LeaderValidation, validateForLeader } from './leader-validation.ts';
import { defaultLogConfig, type LogConfig } from './log-config.ts';

const nowMs = 1_700_000_000_000;

function rules(config: Partial<LogConfig>): LeaderValidation {
  const all = { ...defaultLogConfig, ...config };
  return { config: all, origin: 'client', timestampNow: nowMs, topicPartition: 't-0' };
}

function claiming(): Buffer {
  const records = [1, 2].map((each) => ({ value: Buffer.from([each]), timestamp: nowMs + each }));
  return encodeBatch({ records, timestampType: 1, maxTimestamp: nowMs + 2 });
}

test('a topic of create time takes such a batch as one with times of its own', () => {
  const { bytes, batches } = validateForLeader(claiming(), rules({}));
  const [header] = batches;
  assert.ok(header !== undefined && isBatchCrcValid(bytes, header));
  assert.equal(header.timestampType, 0);
  const times = decodeRecords(bytes, header).map(({ timestamp }) => timestamp);
  assert.deepEqual(times, [nowMs + 1, nowMs + 2]);
});

test('a topic of log append time refuses it, record by record', () => {
  assert.throws(
    () => validateForLeader(claiming(), rules({ messageTimestampType: 'LogAppendTime' })),
    (error) => {
      assert.ok(error instanceof KafkaError);
      assert.equal(error.errorName, 'INVALID_TIMESTAMP');
      assert.deepEqual(
        error.recordErrors.map(({ batchIndex }) => batchIndex),
        [0, 1],
      );
      return true;
    },
  );
});

const compressed: readonly CompressionCodec[] = [1, 2, 3, 4];

/** A batch of `count` records whose compressed body, or plain one, is changed under a right CRC. */
function changed(
  codec: CompressionCodec,
  change: { body?: (body: Buffer) => Buffer; plain?: (body: Buffer) => Buffer; count?: number },
): Buffer {
  const { body = (bytes) => bytes, plain = (bytes) => bytes, count = 20 } = change;
  const records = Array.from({ length: count }, (_, index) => ({
    key: Buffer.from(`key ${index}`),
    value: Buffer.from(`value ${index * 7919} of ${index}`),
    timestamp: nowMs,
  }));
  const batch = encodeBatch({ records });
  const payload = body(compress(codec, plain(Buffer.from(batch.subarray(61)))));
  const result = Buffer.concat([batch.subarray(0, 61), payload]);
  result.writeInt32BE(result.length - 12, 8);
  result.writeInt16BE(codec, 21);
  result.writeUInt32BE(crc32c(result, 21, result.length), 17);
  return result;
}

function refusal(batch: Buffer, config: Partial<LogConfig> = {}): string {
  try {
    validateForLeader(batch, rules(config));
    return 'NONE';
  } catch (error) {
    assert.ok(error instanceof KafkaError, `${error}`);
    return error.errorName;
  }
}

test('a compressed batch that nobody can unpack is refused for good, whatever its size', () => {
  for (const codec of compressed) {
    for (const count of [20, 20_000]) {
      assert.equal(refusal(changed(codec, { count })), 'NONE');
      for (const body of [
        (bytes: Buffer) => bytes.subarray(0, bytes.length - 5),
        (bytes: Buffer) => bytes.subarray(0, bytes.length >>> 1),
        () => Buffer.alloc(500, 'garbage'),
      ]) {
        assert.equal(refusal(changed(codec, { count, body })), 'UNKNOWN_SERVER_ERROR', `${codec}`);
      }
    }
  }
});

test('a small compressed batch whose records are not what its header says is refused', () => {
  for (const codec of compressed) {
    const plain = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 3);
    assert.equal(refusal(changed(codec, { plain })), 'INVALID_RECORD');
    // Kafka unpacks many records, too: a walk over the frames cannot see it.
    assert.equal(refusal(changed(codec, { plain, count: 20_000 })), 'NONE');
  }
});

test('where the records are needed a large compressed batch is unpacked, too', () => {
  const plain = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 3);
  for (const codec of compressed) {
    const batch = changed(codec, { plain, count: 20_000 });
    assert.equal(refusal(batch, { cleanupPolicy: ['compact'] }), 'INVALID_RECORD');
    const compressionType = codec === 1 ? 'lz4' : 'gzip';
    assert.equal(refusal(batch, { compressionType }), 'INVALID_RECORD');
  }
});

test('a record out of its place is refused where the batch is compressed anew', () => {
  // Length, attributes and time take a byte each in front of the offset.
  const plain = (bytes: Buffer): Buffer => {
    bytes[3] = 10;
    return bytes;
  };
  for (const codec of compressed) {
    const compressionType = codec === 1 ? 'lz4' : 'gzip';
    assert.equal(refusal(changed(codec, { plain }), { compressionType }), 'INVALID_RECORD');
  }
});

test('a batch that counts what cannot be, or names no codec, is refused with a final code', () => {
  const wrong = (change: (batch: Buffer) => void): Buffer => {
    const batch = changed(1, {});
    change(batch);
    batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
    return batch;
  };
  assert.equal(refusal(wrong((batch) => batch.writeInt32BE(21, 57))), 'INVALID_RECORD');
  assert.equal(refusal(wrong((batch) => batch.writeInt32BE(-1, 57))), 'INVALID_RECORD');
  assert.equal(refusal(wrong((batch) => batch.writeInt32BE(-1, 23))), 'INVALID_RECORD');
  assert.equal(refusal(wrong((batch) => batch.writeInt16BE(5, 21))), 'UNKNOWN_SERVER_ERROR');
});
