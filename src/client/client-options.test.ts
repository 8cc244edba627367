// Options: addresses, Java's property names, contradictions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admin } from './admin/index.ts';
import { ClientConfigError, parseBootstrapServers } from './client-options.ts';
import { Consumer } from './consumer/index.ts';
import { Producer, type ProducerOptions } from './producer/index.ts';
import { resolveProducerOptions } from './producer/producer-options.ts';

test('bootstrap servers are read in all their spellings', () => {
  assert.deepEqual(parseBootstrapServers('a:1, b.example:65535,,PLAINTEXT://c:3,[::1]:9092'), [
    { host: 'a', port: 1 },
    { host: 'b.example', port: 65535 },
    { host: 'c', port: 3 },
    { host: '::1', port: 9092 },
  ]);
  assert.deepEqual(parseBootstrapServers(['a:1', 'b:2']).length, 2);
  for (const wrong of ['', 'a', 'a:0', 'a:65536', 'a:b', 'a b:1', ':1']) {
    assert.throws(() => parseBootstrapServers(wrong), ClientConfigError, wrong);
  }
});

test('Java properties become options, unknown keys become warnings', () => {
  const { options, warnings } = Producer.optionsFromProperties(
    new Map([
      ['bootstrap.servers', 'a:1'],
      ['linger.ms', ' 20 '],
      ['acks', '-1'],
      ['enable.idempotence', 'FALSE'],
      ['compression.type', 'zstd'],
      ['security.protocol', 'PLAINTEXT'],
      ['key.serializer', 'org.apache.kafka.common.serialization.StringSerializer'],
      ['linger.msec', '3'],
    ]),
  );
  assert.deepEqual(options, {
    bootstrapServers: 'a:1',
    lingerMs: 20,
    acks: '-1',
    enableIdempotence: false,
    compressionType: 'zstd',
  });
  assert.deepEqual(warnings, ['linger.msec is not known to this client: ignored']);
  const resolved = resolveProducerOptions({ ...options, bootstrapServers: 'a:1' });
  assert.equal(resolved.acks, -1);
  assert.equal(resolved.idempotent, false);
});

test('an impossible value names the key and what is possible', () => {
  const read = (key: string, value: string): unknown =>
    Consumer.optionsFromProperties(new Map([[key, value]]));
  assert.throws(() => read('fetch.min.bytes', 'many'), /fetch\.min\.bytes is "many".*a number/);
  assert.throws(() => read('auto.offset.reset', 'smallest'), /expected one of earliest, latest/);
  assert.throws(() => read('check.crcs', 'yes'), /expected true or false/);
  assert.throws(() => read('security.protocol', 'TLS'), /TLS: expected one of PLAINTEXT, SSL/);
});

test('idempotence follows from acks unless it was asked for, and then insists', () => {
  const resolve = (options: Partial<ProducerOptions>) =>
    resolveProducerOptions({ bootstrapServers: 'a:1', ...options });
  assert.equal(resolve({}).idempotent, true);
  assert.equal(resolve({ acks: 1 }).idempotent, false);
  assert.equal(resolve({ maxInFlightRequestsPerConnection: 6 }).idempotent, false);
  assert.throws(() => resolve({ acks: 1, enableIdempotence: true }), /needs acks=all/);
  assert.throws(() => resolve({ deliveryTimeoutMs: 100 }), /lingerMs \+ requestTimeoutMs/);
  const codec = 'brotli' as 'none';
  assert.throws(() => resolve({ compressionType: codec }), /one of none, gzip, snappy, lz4, zstd/);
});

test('an option that does not exist, or is of another kind, is not ignored', () => {
  const wrong = (options: object, expected: string): void => {
    const message = (error: Error): boolean => {
      assert.ok(error instanceof ClientConfigError);
      assert.equal(error.message, expected);
      return true;
    };
    const create = (): Consumer => new Consumer({ bootstrapServers: 'a:1', ...options });
    assert.throws(create, message);
  };
  const levels = 'expected one of read_uncommitted, read_committed';
  wrong({ isolationLevel: 'readCommitted' }, `isolationLevel is "readCommitted": ${levels}`);
  wrong(
    { isolationlevel: 'read_committed' },
    'there is no option isolationlevel: use isolationLevel',
  );
  wrong({ 'group.ids': 'g' }, 'there is no option group.ids: use group.id');
  wrong({ autoOfsetReset: 'earliest' }, 'there is no option autoOfsetReset: use autoOffsetReset');
  wrong({ maxPollRecords: '5' }, 'maxPollRecords is "5": expected a number');
  wrong({ fetchMaxWaitMs: '5s' }, 'fetchMaxWaitMs is "5s": expected a number of milliseconds');
  wrong({ fetchMaxBytes: -1 }, 'fetchMaxBytes is -1: expected a number of bytes, 0 or more');
  wrong({ enableAutoCommit: 'false' }, 'enableAutoCommit is "false": expected true or false');
  wrong({ groupId: null }, 'groupId is null: expected a string');
  assert.throws(
    () => new Admin({ bootstrapServers: 'a:1', ...{ colour: 'red' } }),
    /there are boot/,
  );
  assert.throws(() => new Producer(undefined as never), /give at least \{ bootstrapServers \}/);
  const partitioner = (): number => 0;
  const absent = { groupId: undefined } as object;
  new Producer({ bootstrapServers: ['a:1', 'b:1'], acks: 1, partitioner });
  new Consumer({ bootstrapServers: 'a:1', ...absent });
});
