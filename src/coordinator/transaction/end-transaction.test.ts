// How transactions end, in both protocols: Kafka's table of what is answered to whom in each state,
// retries, and epochs that are used up.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestMachine } from '../../../tests/doubles/coordinator/transaction-machine.ts';
import type { TransactionState } from './transaction.ts';

const lastEpoch = 32_766;

/** A machine whose transaction has come to the state, the usual way. */
function inState(state: TransactionState, transactionVersion: number): TestMachine {
  const at = new TestMachine({ transactionVersion });
  at.init();
  if (state === 'Empty') return at;
  at.add();
  if (state === 'Ongoing') return at;
  at.end({ isCommit: state.endsWith('Commit') });
  if (state.startsWith('Complete')) at.complete();
  return at;
}

const states: readonly TransactionState[] = [
  ...(['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort'] as const),
  ...(['CompleteCommit', 'CompleteAbort'] as const),
];

type Row = Readonly<Record<TransactionState, string>>;

function expectTable(transactionVersion: number, table: readonly Case[]): void {
  for (const { asked, isCommit, epochsBack, row } of table) {
    for (const state of states) {
      const at = inState(state, transactionVersion);
      const producerEpoch = at.known.producerEpoch - epochsBack;
      const ended = at.end({ isCommit, producerEpoch });
      const expected = (row as Partial<Row>)[state];
      const title = `${asked} when ${state}`;
      if (typeof ended === 'string') assert.equal(ended, expected, title);
      else assert.equal(at.known.state, expected, title);
    }
  }
}

interface Case {
  readonly asked: string;
  readonly isCommit: boolean;
  /** 0: the epoch that is known; 1: the one before it. */
  readonly epochsBack: number;
  readonly row: Omit<Row, 'Dead' | 'PrepareEpochFence'>;
}

const fencedInAllStates = Object.fromEntries(
  states.map((state) => [state, 'PRODUCER_FENCED']),
) as unknown as Row;

const fencedOnceItIsOver: Row = {
  ...fencedInAllStates,
  PrepareCommit: 'CONCURRENT_TRANSACTIONS',
  PrepareAbort: 'CONCURRENT_TRANSACTIONS',
};

describe('in the first protocol', () => {
  test('the state alone tells a retry', () => {
    expectTable(0, [
      {
        ...{ asked: 'commit', isCommit: true, epochsBack: 0 },
        row: {
          Empty: 'INVALID_TXN_STATE',
          Ongoing: 'PrepareCommit',
          PrepareCommit: 'CONCURRENT_TRANSACTIONS',
          PrepareAbort: 'CONCURRENT_TRANSACTIONS',
          CompleteCommit: 'CompleteCommit',
          CompleteAbort: 'INVALID_TXN_STATE',
        },
      },
      {
        ...{ asked: 'abort', isCommit: false, epochsBack: 0 },
        row: {
          Empty: 'INVALID_TXN_STATE',
          Ongoing: 'PrepareAbort',
          PrepareCommit: 'CONCURRENT_TRANSACTIONS',
          PrepareAbort: 'CONCURRENT_TRANSACTIONS',
          CompleteCommit: 'INVALID_TXN_STATE',
          CompleteAbort: 'CompleteAbort',
        },
      },
      { asked: 'old commit', isCommit: true, epochsBack: 1, row: fencedInAllStates },
      { asked: 'old abort', isCommit: false, epochsBack: 1, row: fencedInAllStates },
      { asked: 'newer commit', isCommit: true, epochsBack: -1, row: fencedInAllStates },
    ]);
  });

  test('the producer keeps its epoch', () => {
    const at = inState('Ongoing', 0);
    assert.deepEqual(at.end(), { producerId: 4000, producerEpoch: 0 });
    at.complete();
    assert.equal(at.summary, 'CompleteCommit 4000/0');
  });
});

describe('in the second protocol', () => {
  test('the epoch tells a retry', () => {
    expectTable(2, [
      {
        ...{ asked: 'commit', isCommit: true, epochsBack: 0 },
        row: {
          Empty: 'INVALID_TXN_STATE',
          Ongoing: 'PrepareCommit',
          PrepareCommit: 'CONCURRENT_TRANSACTIONS',
          PrepareAbort: 'CONCURRENT_TRANSACTIONS',
          CompleteCommit: 'INVALID_TXN_STATE',
          CompleteAbort: 'INVALID_TXN_STATE',
        },
      },
      {
        ...{ asked: 'abort', isCommit: false, epochsBack: 0 },
        row: {
          Empty: 'PrepareAbort',
          Ongoing: 'PrepareAbort',
          PrepareCommit: 'CONCURRENT_TRANSACTIONS',
          PrepareAbort: 'CONCURRENT_TRANSACTIONS',
          CompleteCommit: 'PrepareAbort',
          CompleteAbort: 'PrepareAbort',
        },
      },
      {
        ...{ asked: 'commit again', isCommit: true, epochsBack: 1 },
        row: {
          Empty: 'PRODUCER_FENCED',
          Ongoing: 'PRODUCER_FENCED',
          PrepareCommit: 'CONCURRENT_TRANSACTIONS',
          PrepareAbort: 'CONCURRENT_TRANSACTIONS',
          CompleteCommit: 'CompleteCommit',
          CompleteAbort: 'INVALID_TXN_STATE',
        },
      },
      {
        ...{ asked: 'abort again', isCommit: false, epochsBack: 1 },
        row: {
          Empty: 'PRODUCER_FENCED',
          Ongoing: 'PRODUCER_FENCED',
          PrepareCommit: 'CONCURRENT_TRANSACTIONS',
          PrepareAbort: 'CONCURRENT_TRANSACTIONS',
          CompleteCommit: 'INVALID_TXN_STATE',
          CompleteAbort: 'CompleteAbort',
        },
      },
      { asked: 'old commit', isCommit: true, epochsBack: 2, row: fencedOnceItIsOver },
      { asked: 'newer abort', isCommit: false, epochsBack: -1, row: fencedOnceItIsOver },
    ]);
  });

  test('each end raises the epoch, and a retry is told the same one', () => {
    const at = inState('Ongoing', 2);
    const next = { producerId: 4000, producerEpoch: 1 };
    assert.deepEqual(at.end(), next);
    at.complete();
    assert.deepEqual(at.end({ producerEpoch: 0 }), next);
    at.restart();
    assert.deepEqual(at.end({ producerEpoch: 0 }), next);
    assert.equal(at.summary, 'CompleteCommit 4000/1');
  });

  test('a producer may abort what it has not begun, over and over', () => {
    const at = inState('Empty', 2);
    for (const producerEpoch of [1, 2, 3]) {
      at.nowMs += 10;
      assert.deepEqual(at.end({ isCommit: false }), { producerId: 4000, producerEpoch });
      assert.equal(at.known.startMs, at.nowMs);
      assert.equal(at.known.partitions.size, 0);
      at.complete();
    }
    assert.equal(at.summary, 'CompleteAbort 4000/3');
  });

  test('when the epochs are used up, the producer goes on under another id', () => {
    const at = inState('Ongoing', 2);
    at.given({ producerEpoch: lastEpoch });
    const next = { producerId: 4001, producerEpoch: 0 };
    assert.deepEqual(at.end(), next);
    assert.equal(at.summary, 'PrepareCommit 4000/32767');
    at.restart();
    assert.equal(at.known.nextProducerId, 4001);
    const retry = { producerId: 4000, producerEpoch: lastEpoch };
    assert.equal(at.end(retry), 'CONCURRENT_TRANSACTIONS');
    at.complete();
    assert.equal(at.summary, 'CompleteCommit 4001/0');
    assert.deepEqual(at.end(retry), next);
    at.restart();
    assert.deepEqual(at.end(retry), next);
    assert.equal(at.end({ ...retry, isCommit: false }), 'INVALID_TXN_STATE');
    assert.equal(at.end({ ...retry, producerEpoch: 5 }), 'INVALID_PRODUCER_ID_MAPPING');
    assert.equal(at.add(), 'NONE');
    assert.equal(at.end(retry), 'INVALID_PRODUCER_ID_MAPPING');
  });

  test('who goes on under another id is not fenced while the end is carried out', () => {
    const at = inState('Ongoing', 2);
    at.given({ producerEpoch: lastEpoch });
    const next = at.end() as { producerId: number; producerEpoch: number };
    assert.deepEqual(next, { producerId: 4001, producerEpoch: 0 });
    assert.equal(at.add(next), 'CONCURRENT_TRANSACTIONS');
    assert.equal(at.end({ ...next, isCommit: false }), 'CONCURRENT_TRANSACTIONS');
    assert.equal(at.init(next), 'CONCURRENT_TRANSACTIONS');
    at.complete();
    assert.equal(at.add(next), 'NONE');
    assert.deepEqual(at.end({ ...next, isCommit: false }), { ...next, producerEpoch: 1 });
  });

  test('a client of the first protocol is served beside it', () => {
    const at = inState('Ongoing', 2);
    assert.deepEqual(at.end({ transactionVersion: 0 }), { producerId: 4000, producerEpoch: 0 });
    assert.equal(at.known.transactionVersion, 0);
    at.complete();
    assert.equal(at.summary, 'CompleteCommit 4000/0');
    assert.equal(at.add({ transactionVersion: 0 }), 'NONE');
    assert.equal(at.known.transactionVersion, 0);
  });
});

describe('a transaction that took too long', () => {
  test('is aborted under a higher epoch, and its commit is refused (first protocol)', () => {
    const at = inState('Ongoing', 0);
    at.fence();
    assert.equal(at.summary, 'PrepareAbort 4000/1');
    assert.equal(at.end({ producerEpoch: 0 }), 'PRODUCER_FENCED');
    at.complete();
    assert.equal(at.end({ producerEpoch: 0 }), 'PRODUCER_FENCED');
    assert.equal(at.add({ producerEpoch: 0 }), 'PRODUCER_FENCED');
  });

  test('is aborted under a higher epoch, and its commit is refused (second protocol)', () => {
    const at = inState('Ongoing', 2);
    at.fence();
    assert.equal(at.summary, 'PrepareAbort 4000/1');
    assert.equal(at.end({ producerEpoch: 0 }), 'CONCURRENT_TRANSACTIONS');
    at.complete();
    assert.equal(at.end({ producerEpoch: 0 }), 'INVALID_TXN_STATE');
    assert.equal(at.add({ producerEpoch: 0 }), 'PRODUCER_FENCED');
    // Its producer aborts, as it is told to, and goes on.
    const aborted = at.end({ producerEpoch: 0, isCommit: false });
    assert.deepEqual(aborted, { producerId: 4000, producerEpoch: 1 });
  });

  test('with the last epoch is aborted, and its producer goes on under another id', () => {
    const at = inState('Ongoing', 2);
    at.given({ producerEpoch: lastEpoch });
    at.fence();
    at.complete();
    assert.equal(at.summary, 'CompleteAbort 4001/0');
    const aborted = at.end({ producerId: 4000, producerEpoch: lastEpoch, isCommit: false });
    assert.deepEqual(aborted, { producerId: 4001, producerEpoch: 0 });
  });
});

test('nobody ends a transaction of an unknown id, or of another producer', () => {
  for (const transactionVersion of [0, 2]) {
    const at = inState('Ongoing', transactionVersion);
    assert.equal(at.end({ transactionalId: 'u' }), 'INVALID_PRODUCER_ID_MAPPING');
    assert.equal(at.end({ producerId: 9 }), 'INVALID_PRODUCER_ID_MAPPING');
    assert.equal(at.summary, 'Ongoing 4000/0');
  }
});

test('where records have no room for the second protocol, its producers are refused', () => {
  const at = new TestMachine({ transactionVersion: 0 });
  at.init();
  assert.equal(at.add({ transactionVersion: 2 }), 'UNSUPPORTED_VERSION');
  assert.equal(at.end({ isCommit: false, transactionVersion: 2 }), 'UNSUPPORTED_VERSION');
  assert.equal(at.summary, 'Empty 4000/0');
  at.add();
  assert.equal(at.end({ transactionVersion: 2 }), 'UNSUPPORTED_VERSION');
  assert.equal(at.summary, 'Ongoing 4000/0');
});
