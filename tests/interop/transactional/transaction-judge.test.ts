// The judge, shown what must not happen: it has to see each of them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  judgeCopy,
  judgeReader,
  judgeTransactions,
  type SeenRecord,
  TransactionLog,
} from './transaction-judge.ts';

/** One committed, one aborted, one whose commit got no answer, one committed after a restart. */
function logOf(): TransactionLog {
  const log = new TransactionLog('w');
  for (const line of ['begin 0 a-0:2,b-1:1', 'committing 0', 'committed 0']) log.on(1, line);
  for (const line of ['begin 1 a-0:1', 'aborting 1', 'aborted 1']) log.on(1, line);
  for (const line of ['begin 2 a-0:1,b-1:1', 'committing 2']) log.on(1, line);
  for (const line of ['begin 0 a-0:1', 'committing 0', 'committed 0']) log.on(2, line);
  log.on(2, 'begin 1 a-0:1');
  return log;
}

/** Offsets are places in the list. */
function partition(name: string, ...values: string[]): SeenRecord[] {
  return values.map((value, offset) => ({ partition: name, offset, value }));
}

const a = ['w/1/0/0', 'w/1/0/1', 'w/2/0/0'];
const b = ['w/1/0/2'];

function judge(ofA: readonly string[], ofB: readonly string[]): string[] {
  const records = [...partition('a-0', ...ofA), ...partition('b-1', ...ofB)];
  return judgeTransactions(logOf().transactions, records);
}

describe('the judge of transactions', () => {
  test('finds nothing wrong with whole transactions, each once', () => {
    assert.deepEqual(judge(a, b), []);
  });

  test('lets a commit without an answer be there whole', () => {
    const unanswered = ['w/1/0/0', 'w/1/0/1', 'w/1/2/0', 'w/2/0/0'];
    assert.deepEqual(judge(unanswered, [...b, 'w/1/2/1']), []);
  });

  test('lets a commit be heard that failed without an answer to the abort behind it', () => {
    const log = new TransactionLog('w');
    for (const line of ['begin 0 a-0:1', 'committing 0', 'aborting 0 Fenced']) log.on(1, line);
    assert.deepEqual(judgeTransactions(log.transactions, partition('a-0', 'w/1/0/0')), []);
    assert.deepEqual(judgeTransactions(log.transactions, []), []);
    log.on(1, 'aborted 0');
    assert.equal(judgeTransactions(log.transactions, partition('a-0', 'w/1/0/0')).length, 1);
  });

  test('counts by what became of them', () => {
    const log = logOf();
    const counts = (['committed', 'aborted', 'unknown'] as const).map((one) => log.count(one));
    assert.deepEqual(counts, [2, 2, 1]);
  });

  test('sees a lost transaction', () => {
    assert.deepEqual(judge(['w/1/0/0', 'w/1/0/1'], b), [
      'w/2/0 is lost: 0 of 1 records in a-0 (begin, committing, committed)',
    ]);
  });

  test('sees a duplicated record', () => {
    assert.ok(judge(['w/1/0/0', ...a], b).includes('a-0: w/1/0/0 is there twice'));
    assert.ok(judge([...a, 'w/1/0/1'], b).includes('a-0: w/1/0/1 is behind w/2/0/0'));
  });

  test('sees a record of an aborted transaction', () => {
    assert.deepEqual(judge(['w/1/0/0', 'w/1/0/1', 'w/1/1/0', 'w/2/0/0'], b), [
      'a-0: w/1/1/0 is visible though it was not committed (begin, aborting, aborted)',
    ]);
  });

  test('sees a record of a transaction whose commit was never asked for', () => {
    assert.deepEqual(judge([...a, 'w/2/1/0'], b), [
      'a-0: w/2/1/0 is visible though it was not committed (begin)',
    ]);
  });

  test('sees half a transaction, in one partition of two and within one', () => {
    assert.deepEqual(judge(a, []), [
      'w/1/0 is half visible: 0 of 1 records in b-1 (begin, committing, committed)',
    ]);
    assert.deepEqual(judge(['w/1/0/0', 'w/2/0/0'], b), [
      'w/1/0 is half visible: 1 of 2 records in a-0 (begin, committing, committed)',
    ]);
  });

  test('sees half a transaction whose commit got no answer', () => {
    assert.deepEqual(judge(a, [...b, 'w/1/2/1']), [
      'w/1/2 is half visible: 0 of 1 records in a-0 (begin, committing)',
    ]);
  });

  test('sees a record that nobody sent', () => {
    assert.deepEqual(judge([...a, 'w/9/0/0'], b), [
      'a-0: w/9/0/0 is of a transaction that nobody began',
    ]);
  });

  test('sees an incarnation that goes on behind its successor', () => {
    const problems = judge(['w/1/0/0', 'w/2/0/0', 'w/1/0/1'], b);
    assert.deepEqual(problems, ['a-0: w/1/0/1 is behind w/2/0/0']);
  });

  test('sees records in another order than that in which they were sent', () => {
    const problems = judge(['w/1/0/1', 'w/1/0/0', 'w/2/0/0'], b);
    assert.deepEqual(problems, ['a-0: w/1/0/0 is behind w/1/0/1']);
  });

  test('lets an incarnation be late, and sees one that is so in one partition only', () => {
    const late = ['w/2/0/0', 'w/1/0/0', 'w/1/0/1'];
    assert.deepEqual(judge(late, b), []);
    const log = logOf();
    log.on(2, 'begin 9 b-1:1');
    for (const step of ['committing', 'committed']) log.on(2, `${step} 9`);
    const records = [...partition('a-0', ...late), ...partition('b-1', ...b, 'w/2/9/0')];
    assert.deepEqual(judgeTransactions(log.transactions, records), [
      'w: 1 before 2 in b-1 w, not in a-0 w',
    ]);
  });
});

describe('the judge of copies', () => {
  const input = partition('in-0', 'x', 'y', 'z');
  const copy = (...values: string[]): string[] => judgeCopy(input, partition('out-0', ...values));

  test('finds nothing wrong with a copy, whatever its offsets', () => {
    const shifted = input.map((one) => ({ ...one, partition: 'out-0', offset: one.offset + 5 }));
    assert.deepEqual(judgeCopy(input, shifted), []);
  });

  test('sees what is missing, duplicated, swapped, added or in another partition', () => {
    assert.match(copy('x', 'z')[0] as string, /at 1 of 2, input 3: z \(offset 1\) instead of y/);
    assert.match(copy('x', 'y', 'y', 'z')[0] as string, /y \(offset 2\), a duplicate, instead/);
    assert.match(copy('x', 'z', 'y')[0] as string, /instead of y/);
    assert.match(
      copy('x', 'y', 'z', 'n')[0] as string,
      /n .* not in the input, instead of nothing/,
    );
    assert.match(copy('x', 'y')[0] as string, /: nothing instead of z/);
    assert.equal(judgeCopy(input, partition('out-1', 'x', 'y', 'z')).length, 2);
  });
});

describe('the judge of readers', () => {
  test('sees a reader that saw what is not there in the end, or missed what is', () => {
    const inTheEnd = partition('a-0', 'x', 'y');
    assert.deepEqual(judgeReader('r', inTheEnd, inTheEnd), []);
    assert.deepEqual(judgeReader('r', partition('a-0', 'x', 'gone'), inTheEnd), [
      'r saw gone (offset 1) at 1 of partition 0, where there is y (offset 1)',
    ]);
    assert.deepEqual(judgeReader('r', partition('a-0', 'x'), inTheEnd), [
      'r saw nothing at 1 of partition 0, where there is y (offset 1)',
    ]);
  });
});
