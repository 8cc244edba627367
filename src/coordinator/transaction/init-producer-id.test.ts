// Who is the producer of a transactional id: new ones, those that go on, and those that are fenced.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestMachine } from '../../../tests/doubles/coordinator/transaction-machine.ts';

const lastEpoch = 32_766;

test('a new id gets a producer id with epoch 0, and each new incarnation the next epoch', () => {
  const at = new TestMachine();
  assert.deepEqual(at.init(), { producerId: 4000, producerEpoch: 0 });
  assert.equal(at.summary, 'Empty 4000/0');
  assert.deepEqual(at.init({ timeoutMs: 7 }), { producerId: 4000, producerEpoch: 1 });
  assert.equal(at.known.timeoutMs, 7);
});

test('a producer id that is named for an unknown transactional id is not kept', () => {
  const at = new TestMachine();
  const named = { producerId: 9, producerEpoch: 3 };
  assert.deepEqual(at.init(named), { producerId: 4000, producerEpoch: 0 });
});

describe('a producer that goes on from its id and epoch', () => {
  test('gets the next epoch, and its retry the same again', () => {
    const at = new TestMachine();
    at.init();
    const named = { producerId: 4000, producerEpoch: 0 };
    assert.deepEqual(at.init(named), { producerId: 4000, producerEpoch: 1 });
    assert.deepEqual(at.init(named), { producerId: 4000, producerEpoch: 1 });
  });

  test('is fenced when another incarnation came in between', () => {
    const at = new TestMachine();
    at.init();
    at.init();
    assert.equal(at.init({ producerId: 4000, producerEpoch: 0 }), 'PRODUCER_FENCED');
    assert.equal(at.init({ producerId: 3999, producerEpoch: 1 }), 'PRODUCER_FENCED');
    assert.equal(at.summary, 'Empty 4000/1');
  });

  test('is fenced when its retry meets another coordinator: records do not tell of it', () => {
    const at = new TestMachine();
    at.init();
    at.init({ producerId: 4000, producerEpoch: 0 });
    at.restart();
    assert.equal(at.init({ producerId: 4000, producerEpoch: 0 }), 'PRODUCER_FENCED');
    assert.deepEqual(at.init({ producerId: 4000, producerEpoch: 1 }), {
      producerId: 4000,
      producerEpoch: 2,
    });
  });

  test('moves to another producer id when its epochs are used up, and so does its retry', () => {
    const at = new TestMachine();
    at.init();
    at.given({ producerEpoch: lastEpoch });
    const named = { producerId: 4000, producerEpoch: lastEpoch };
    assert.deepEqual(at.init(named), { producerId: 4001, producerEpoch: 0 });
    assert.equal(at.known.previousProducerId, 4000);
    assert.deepEqual(at.init(named), { producerId: 4001, producerEpoch: 0 });
    const other = { producerId: 4000, producerEpoch: 5 };
    assert.equal(at.init(other), 'PRODUCER_FENCED');
  });

  test('is told its last epoch again, though there is none after it', () => {
    const at = new TestMachine();
    at.init();
    at.given({ producerEpoch: lastEpoch, lastProducerEpoch: lastEpoch - 1 });
    const named = { producerId: 4000, producerEpoch: lastEpoch - 1 };
    assert.deepEqual(at.init(named), { producerId: 4000, producerEpoch: lastEpoch });
  });
});

test('a new incarnation moves to another producer id when the epochs are used up', () => {
  const at = new TestMachine();
  at.init();
  at.given({ producerEpoch: lastEpoch - 1 });
  assert.deepEqual(at.init(), { producerId: 4000, producerEpoch: lastEpoch });
  assert.deepEqual(at.init(), { producerId: 4001, producerEpoch: 0 });
  assert.deepEqual(at.init(), { producerId: 4001, producerEpoch: 1 });
});

describe('what an older incarnation left open', () => {
  test('is aborted under a higher epoch, and the new one waits for that', () => {
    const at = new TestMachine();
    at.begin();
    assert.equal(at.init(), null);
    assert.equal(at.summary, 'PrepareAbort 4000/1');
    assert.equal(at.init(), 'CONCURRENT_TRANSACTIONS');
    at.complete();
    assert.deepEqual(at.init(), { producerId: 4000, producerEpoch: 2 });
    assert.equal(at.add({ producerEpoch: 0 }), 'PRODUCER_FENCED');
    assert.equal(at.add({ producerEpoch: 1 }), 'PRODUCER_FENCED');
  });

  test('is aborted likewise in the first protocol', () => {
    const at = new TestMachine({ transactionVersion: 0 });
    at.begin();
    assert.equal(at.init(), null);
    assert.equal(at.summary, 'PrepareAbort 4000/1');
    assert.equal(at.known.transactionVersion, 0);
    at.complete();
    assert.deepEqual(at.init(), { producerId: 4000, producerEpoch: 2 });
  });

  test('is fenced with the epoch kept for that when it had the last one (first protocol)', () => {
    const at = new TestMachine({ transactionVersion: 1 });
    at.begin();
    at.given({ producerEpoch: lastEpoch });
    assert.equal(at.init(), null);
    assert.equal(at.summary, 'PrepareAbort 4000/32767');
    at.complete();
    const next = at.init() as { producerId: number; producerEpoch: number };
    assert.equal(next.producerEpoch, 0);
    assert.notEqual(next.producerId, 4000);
  });

  test('is fenced by another producer id when it had the last epoch (second protocol)', () => {
    const at = new TestMachine();
    at.begin();
    at.given({ producerEpoch: lastEpoch });
    assert.equal(at.init(), null);
    assert.equal(at.summary, 'PrepareAbort 4000/32767');
    assert.equal(at.known.nextProducerId, 4001);
    at.complete();
    assert.equal(at.summary, 'CompleteAbort 4001/0');
    assert.deepEqual(at.init(), { producerId: 4001, producerEpoch: 1 });
  });

  test('that has been decided already is waited for, whatever was decided', () => {
    for (const isCommit of [true, false]) {
      const at = new TestMachine();
      at.begin();
      at.end({ isCommit });
      assert.equal(at.init(), 'CONCURRENT_TRANSACTIONS');
    }
  });
});
