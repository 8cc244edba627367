// The headers of dead letters under each of the names; and records on their way to another try.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadLetterOf } from './dead-letters.ts';
import { RetryTopics } from './retry-topics.ts';
import type { DeadLetterHeaders } from './run-options.ts';
import type { RawRecord } from './runner-port.ts';

const record: RawRecord = {
  topic: 'orders',
  partition: 3,
  offset: 41,
  timestamp: 7000,
  timestampType: 'createTime',
  key: Buffer.from('k'),
  value: Buffer.from([0, 255]),
  headers: [{ key: 'trace', value: Buffer.from('1') }],
  leaderEpoch: 2,
};
const topics = new RetryTopics(
  [
    { name: '5s', delayMs: 5000 },
    { name: '1m', delayMs: 60_000 },
  ],
  ['orders'],
);

function headersOf(headers: DeadLetterHeaders): Map<string, Buffer | null> {
  const failure = { error: new RangeError('no such article'), attempts: 4, groupId: 'billing' };
  const options = { topic: (topic: string) => `${topic}-dead`, headers };
  const letter = deadLetterOf(record, topics.originOf(record), failure, options);
  assert.equal(letter.topic, 'orders-dead');
  assert.deepEqual([letter.key, letter.value, letter.timestamp], [record.key, record.value, 7000]);
  assert.equal(letter.headers[0]?.key, 'trace');
  return new Map(letter.headers.slice(1).map(({ key, value }) => [key, value as Buffer]));
}

const textsOf = (headers: ReadonlyMap<string, Buffer | null>): Record<string, string> =>
  Object.fromEntries(
    [...headers].map(([key, value]) => [key.replace(/.*__?\w+\.errors\./, ''), `${value}`]),
  );

test('ours say where the record comes from, what has failed, and how often', () => {
  const { stacktrace, ...texts } = textsOf(headersOf('partita'));
  assert.match(stacktrace ?? '', /RangeError: no such article\n +at .*dead-letters\.test/);
  assert.deepEqual(texts, {
    topic: 'orders',
    partition: '3',
    offset: '41',
    timestamp: '7000',
    group: 'billing',
    attempts: '4',
    exception: 'RangeError',
    message: 'no such article',
  });
});

test('those of Kafka Connect and Kafka Streams have the names that their tools look for', () => {
  const connect = headersOf('connect');
  assert.equal(`${connect.get('__connect.errors.exception.message')}`, 'no such article');
  assert.equal(`${connect.get('__connect.errors.topic')}`, 'orders');
  const names = ['exception', 'stacktrace', 'message', 'topic', 'partition', 'offset'];
  assert.deepEqual(
    [...headersOf('streams').keys()],
    names.map((name) => `__streams.errors.${name}`),
  );
});

test("those of Spring have Java's bytes as numbers", () => {
  const headers = headersOf('spring');
  assert.deepEqual(headers.get('kafka_dlt-original-partition'), Buffer.from([0, 0, 0, 3]));
  assert.equal(headers.get('kafka_dlt-original-offset')?.readBigInt64BE(), 41n);
  assert.equal(headers.get('kafka_dlt-original-timestamp')?.readBigInt64BE(), 7000n);
  assert.equal(`${headers.get('kafka_dlt-original-timestamp-type')}`, 'CreateTime');
  assert.equal(`${headers.get('kafka_dlt-exception-fqcn')}`, 'RangeError');
});

test('a record goes through one retry topic after the other, and stays what it was', () => {
  assert.deepEqual(topics.names, ['orders-retry-5s', 'orders-retry-1m']);
  let at: RawRecord = record;
  for (const [topic, delayMs, attempts] of [
    ['orders-retry-5s', 5000, 3],
    ['orders-retry-1m', 60_000, 6],
  ] as const) {
    const next = topics.next(at, topics.originOf(at), attempts, 1000) ?? assert.fail();
    assert.equal(next.topic, topic);
    at = {
      ...record,
      ...next,
      partition: 0,
      offset: 7,
      headers: next.headers as RawRecord['headers'],
    };
    const origin = topics.originOf(at);
    assert.deepEqual([origin.topic, origin.partition, origin.offset], ['orders', 3, 41]);
    assert.deepEqual([origin.dueMs, origin.attempts], [1000 + delayMs, attempts]);
    assert.deepEqual(origin.headers, record.headers);
  }
  assert.equal(topics.next(at, topics.originOf(at), 9, 1000), null);
});

test('a record that somebody put into a retry topic by hand is tried as what it is', () => {
  const own = { ...record, topic: 'orders-retry-5s' };
  const { topic, offset, dueMs, attempts } = topics.originOf(own);
  assert.deepEqual([topic, offset, dueMs, attempts], ['orders-retry-5s', 41, 0, 0]);
});
