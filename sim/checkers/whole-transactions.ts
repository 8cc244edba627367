// The promise (atomicity): to those who read committed records, a transaction is there as a whole
// or not at all, across all of its partitions. Whole, each record once, if its commit was
// acknowledged; not at all if its abort was acknowledged, or if nobody ever asked for its commit
// (its coordinator aborts it when its time is up); one or the other if the answer was lost.
//
// It holds for what is read when every transaction has ended. Beside it, of each producer the
// records of a partition are in the order in which they were sent.

import { assert } from '../../src/base/assert.ts';
import { type PartitionContents, placeName } from './partition-contents.ts';
import { nameOf } from './record-identity.ts';
import type { SentTransaction, TransactionLedger } from './transaction-ledger.ts';

/** `contents`: every partition that was written to, as it is read under read_committed. */
export function assertWholeOrAbsent(
  ledger: TransactionLedger,
  contents: readonly PartitionContents[],
): void {
  const visible = new Set<string>();
  for (const each of contents) {
    assertSentOnceInOrder(ledger, each);
    for (const record of each.records) visible.add(nameOf(record));
  }
  for (const transaction of ledger.transactions) assertWhole(transaction, visible);
}

function assertWhole({ name, records, outcome }: SentTransaction, visible: ReadonlySet<string>) {
  const there = records.filter((record) => visible.has(nameOf(record)));
  const isWhole = there.length === records.length;
  if (isWhole && records.length === 0) return;
  const missing = records.find((record) => !visible.has(nameOf(record)));
  const counts = `${there.length} of ${records.length} records`;
  if (outcome === 'committed') {
    const what = `"${missing === undefined ? '' : nameOf(missing)}" is missing`;
    assert(isWhole, `${name} was committed, and has ${counts}: ${what}`);
  } else if (outcome === 'asked') {
    assert(isWhole || there.length === 0, `${name} is there in part: ${counts}`);
  } else {
    const why = outcome === 'aborted' ? 'was aborted' : 'was never committed';
    assert(there.length === 0, `${name} ${why}, and shows ${counts}`);
  }
}

function assertSentOnceInOrder(ledger: TransactionLedger, contents: PartitionContents): void {
  const lastNumbers = new Map<string, number>();
  const place = placeName(contents);
  for (const record of contents.records) {
    ledger.transactionOf(record);
    const where = `"${nameOf(record)}" at ${place} offset ${record.offset}`;
    assert(placeName(record) === place, `${where} was sent elsewhere`);
    const last = lastNumbers.get(record.producer) ?? -1;
    assert(record.number !== last, `${where} is there twice`);
    assert(record.number > last, `${where} comes after record ${last}`);
    lastNumbers.set(record.producer, record.number);
  }
}
