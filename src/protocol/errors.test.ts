// The error table: codes, names and what Java's clients retry.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, errorMessage, errorName, isRetriable, KafkaError } from './errors.ts';

test('the codes are those of Kafka 4.4, without a gap', () => {
  const codes = Object.values(ErrorCode).sort((a, b) => a - b);
  assert.deepEqual(
    codes,
    Array.from({ length: 138 }, (_, i) => i - 1),
  );
  assert.equal(ErrorCode.OFFSET_OUT_OF_RANGE, 1);
  assert.equal(ErrorCode.UNSUPPORTED_VERSION, 35);
  assert.equal(ErrorCode.UNKNOWN_TOPIC_ID, 100);
  assert.equal(ErrorCode.CONTROLLER_ID_NOT_REGISTERED, 136);
});

test('a code has a name and a message, an unknown one those of an unknown error', () => {
  assert.equal(errorName(3), 'UNKNOWN_TOPIC_OR_PARTITION');
  assert.equal(errorName(9999), 'UNKNOWN_SERVER_ERROR');
  for (const code of Object.values(ErrorCode)) assert.ok(errorMessage(code).length > 0);
});

test('exactly the codes are retriable whose Java exception is', () => {
  const codes = Object.values(ErrorCode).filter(isRetriable);
  assert.deepEqual(
    codes.sort((a, b) => a - b),
    [
      2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88,
      89, 100, 103, 106, 122, 123, 133,
    ],
  );
});

test('an error carries its code, its name and, of a refused batch, the records at fault', () => {
  const recordErrors = [{ batchIndex: 2, batchIndexErrorMessage: 'no key' }];
  const error = new KafkaError('INVALID_RECORD', 'one record is invalid', recordErrors);
  assert.equal(error.code, 87);
  assert.equal(error.errorName, 'INVALID_RECORD');
  assert.equal(error.message, 'one record is invalid');
  assert.deepEqual(error.recordErrors, recordErrors);
  assert.equal(error.retriable, false);
  const received = KafkaError.fromCode(41, null);
  assert.equal(received.errorName, 'NOT_CONTROLLER');
  assert.ok(received.retriable && received.message.length > 0);
});
