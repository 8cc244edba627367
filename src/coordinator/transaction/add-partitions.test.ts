// Partitions of a transaction: added, verified, refused.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  errorOr,
  ID,
  TestMachine,
} from '../../../tests/doubles/coordinator/transaction-machine.ts';
import { ErrorCode } from '../../protocol/index.ts';
import { type AddedTopic, type AddPartitionsRequest, addPartitions } from './add-partitions.ts';

function verify(at: TestMachine, topics: AddPartitionsRequest['topics']): AddedTopic[] | string {
  const { producerId, producerEpoch } = at.known;
  const producer = { transactionalId: ID, producerId, producerEpoch };
  const request = { ...producer, topics, verifyOnly: true, transactionVersion: 2 };
  return errorOr(() => at.decide(addPartitions(at.machine, request)));
}

test('partitions are added to those that are there, and the start does not move', () => {
  const at = new TestMachine();
  at.begin();
  const startMs = at.nowMs;
  at.nowMs += 5;
  at.add({ topics: [{ name: 't', partitions: [1] }] });
  at.add({ topics: [{ name: 'u', partitions: [0, 2] }] });
  assert.deepEqual(
    [...at.known.partitions],
    [
      ['t', new Set([0, 1])],
      ['u', new Set([0, 2])],
    ],
  );
  assert.deepEqual([at.known.startMs, at.known.lastUpdateMs], [startMs, at.nowMs]);
});

test('a topic of which nothing is added is not in', () => {
  const at = new TestMachine();
  at.begin();
  at.add({ topics: [{ name: 'u', partitions: [] }] });
  assert.deepEqual([...at.known.partitions.keys()], ['t']);
});

test('partitions that are in already cost no record', () => {
  const at = new TestMachine();
  at.begin();
  const before = at.known;
  assert.equal(at.add(), 'NONE');
  assert.equal(at.known, before);
});

test('a transaction knows the protocol of the client that adds partitions', () => {
  const at = new TestMachine();
  at.begin();
  assert.equal(at.known.transactionVersion, 2);
  at.add({ topics: [{ name: 'u', partitions: [0] }], transactionVersion: 0 });
  assert.equal(at.known.transactionVersion, 0);
});

describe('partitions are refused', () => {
  test('of an unknown id, of another producer, and of a fenced one', () => {
    const at = new TestMachine();
    at.begin();
    assert.equal(at.add({ transactionalId: 'u' }), 'INVALID_PRODUCER_ID_MAPPING');
    assert.equal(at.add({ producerId: 9 }), 'INVALID_PRODUCER_ID_MAPPING');
    assert.equal(at.add({ producerEpoch: 1 }), 'PRODUCER_FENCED');
    at.end();
    at.complete();
    assert.equal(at.add({ producerEpoch: 0 }), 'PRODUCER_FENCED');
  });

  test('while the transaction before is being ended', () => {
    for (const isCommit of [true, false]) {
      const at = new TestMachine();
      at.begin();
      at.end({ isCommit });
      assert.equal(at.add(), 'CONCURRENT_TRANSACTIONS');
      assert.equal(verify(at, []), 'CONCURRENT_TRANSACTIONS');
      at.complete();
      assert.equal(at.add(), 'NONE');
    }
  });
});

test('a leader learns which partitions are in the transaction, and none is added', () => {
  const at = new TestMachine();
  at.begin();
  const before = at.known;
  assert.deepEqual(verify(at, [{ name: 't', partitions: [0, 1] }]), [
    {
      name: 't',
      partitions: [
        { partitionIndex: 0, errorCode: 0 },
        { partitionIndex: 1, errorCode: ErrorCode.TRANSACTION_ABORTABLE },
      ],
    },
  ]);
  assert.equal(at.known, before);
});

test('a batch that comes after the end of its transaction is not verified', () => {
  const at = new TestMachine({ transactionVersion: 0 });
  at.begin();
  at.end();
  at.complete();
  const verified = verify(at, [{ name: 't', partitions: [0] }]);
  const { TRANSACTION_ABORTABLE: errorCode } = ErrorCode;
  assert.deepEqual(verified, [{ name: 't', partitions: [{ partitionIndex: 0, errorCode }] }]);
});
