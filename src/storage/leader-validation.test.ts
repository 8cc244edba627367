// Batches that say of themselves that the log gave their times. All the other rules are compared
// with Apache Kafka's in tests/interop/record-rules.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRecords, encodeBatch, isBatchCrcValid, KafkaError } from '../protocol/index.ts';
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
