// The records of __transaction_state: their bytes, as Kafka writes them, and back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MalformedError } from '../../protocol/index.ts';
import type { Transaction } from './transaction.ts';
import { type TransactionRecord, transactionRecordCodec } from './transaction-record.ts';

const transaction: Transaction = {
  transactionalId: 'tx',
  producerId: 4001,
  previousProducerId: 4000,
  nextProducerId: 4002,
  producerEpoch: 5,
  lastProducerEpoch: -1,
  timeoutMs: 60_000,
  state: 'PrepareCommit',
  partitions: new Map([['t', new Set([0, 2])]]),
  startMs: 1000,
  lastUpdateMs: 2000,
  transactionVersion: 2,
};

function roundTrip(value: Transaction, version: number): TransactionRecord | null {
  const codec = transactionRecordCodec(() => version);
  const keyed = codec.encode({ transactionalId: value.transactionalId, transaction: value });
  return codec.decode(keyed.key, keyed.value);
}

test('version 1 carries the producer ids before and after, and the protocol', () => {
  assert.deepEqual(roundTrip(transaction, 1)?.transaction, transaction);
});

test('version 0 is for clusters whose other brokers know no more', () => {
  assert.deepEqual(roundTrip(transaction, 0)?.transaction, {
    ...transaction,
    previousProducerId: -1,
    nextProducerId: -1,
    transactionVersion: 0,
  });
});

test('the bytes are those of Kafka', () => {
  const { key, value } = transactionRecordCodec(() => 0).encode({
    transactionalId: 'tx',
    transaction,
  });
  assert.equal(key.toString('hex'), '000000027478');
  const fields = [
    ...['0000', '0000000000000fa1', '0005', '0000ea60', '02'],
    ...['00000001', '000174', '00000002', '00000000', '00000002'],
    ...['00000000000007d0', '00000000000003e8'],
  ];
  assert.equal(value?.toString('hex'), fields.join(''));
});

test('an id without a transaction has no list of partitions at all', () => {
  const empty: Transaction = { ...transaction, state: 'Empty', partitions: new Map() };
  const { value } = transactionRecordCodec(() => 0).encode({
    transactionalId: 'tx',
    transaction: empty,
  });
  assert.equal(value?.readInt32BE(17), -1);
  assert.deepEqual(roundTrip(empty, 1)?.transaction, empty);
});

test('a tombstone forgets the id', () => {
  const codec = transactionRecordCodec(() => 1);
  const tombstone: TransactionRecord = { transactionalId: 'tx', transaction: null };
  const { key, value } = codec.encode(tombstone);
  assert.equal(value, null);
  assert.deepEqual(codec.decode(key, value), tombstone);
});

test('records of versions to come are left alone', () => {
  const codec = transactionRecordCodec(() => 1);
  const { key, value } = codec.encode({ transactionalId: 'tx', transaction });
  const newKey = Buffer.from(key);
  newKey.writeInt16BE(1);
  assert.equal(codec.decode(newKey, value), null);
  const newValue = Buffer.from(value as Buffer);
  newValue.writeInt16BE(2);
  assert.equal(codec.decode(key, newValue), null);
  assert.equal(codec.decode(Buffer.alloc(1), value), null);
});

test('a state that nobody writes is malformed', () => {
  const codec = transactionRecordCodec(() => 0);
  const { key, value } = codec.encode({ transactionalId: 'tx', transaction });
  // Behind the version, the producer's id and epoch, and the timeout.
  const statusAt = 2 + 8 + 2 + 4;
  assert.equal((value as Buffer)[statusAt], 2);
  for (const status of [6, 7, 42]) {
    (value as Buffer)[statusAt] = status;
    assert.throws(() => codec.decode(key, value), MalformedError);
  }
});
