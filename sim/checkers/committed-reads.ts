// The promise (isolation): who reads committed records is shown none of a transaction before its
// commit was asked for, and none of one that was aborted; what it was shown stays; and where it has
// come by, nothing becomes visible behind it: it was shown, in their order, just the records that
// are there when all is over.
//
// Nothing is promised about when the partitions of one transaction become visible: a reader may see
// one before another.

import { assert } from '../../src/base/assert.ts';
import { type PartitionContents, placeName, type StoredRecord } from './partition-contents.ts';
import { nameOf } from './record-identity.ts';
import type { TransactionLedger } from './transaction-ledger.ts';

interface Reading {
  readonly reader: string;
  readonly place: string;
  readonly names: string[];
  nextOffset: number;
}

export class CommittedReads {
  readonly #ledger: TransactionLedger;
  readonly #readings = new Map<string, Reading>();

  constructor(ledger: TransactionLedger) {
    this.#ledger = ledger;
  }

  /** How many records readers were shown. */
  get recordCount(): number {
    let count = 0;
    for (const { names } of this.#readings.values()) count += names.length;
    return count;
  }

  /** A reader that began at the beginning was handed the record. */
  onRecord(reader: string, record: StoredRecord): void {
    const { name, outcome } = this.#ledger.transactionOf(record);
    const what = `${reader} is shown "${nameOf(record)}"`;
    assert(outcome !== 'open', `${what}, and nobody asked for the commit of ${name}`);
    assert(outcome !== 'aborted', `${what}, and ${name} was aborted`);
    const place = placeName(record);
    const reading = this.#readings.get(`${reader} ${place}`) ?? {
      reader,
      place,
      names: [],
      nextOffset: 0,
    };
    this.#readings.set(`${reader} ${place}`, reading);
    const { nextOffset } = reading;
    assert(
      record.offset >= nextOffset,
      `${what} at ${record.offset} although it is at ${nextOffset}`,
    );
    reading.names.push(nameOf(record));
    reading.nextOffset = record.offset + 1;
  }

  /** `contents`: the partition as it is read under read_committed when all is over. */
  assertSameAs(contents: PartitionContents): void {
    const place = placeName(contents);
    for (const reading of this.#readings.values()) {
      if (reading.place !== place) continue;
      const { reader, names, nextOffset } = reading;
      const there = contents.records.filter(({ offset }) => offset < nextOffset).map(nameOf);
      for (let i = 0; i < Math.max(names.length, there.length); i++) {
        if (names[i] === there[i]) continue;
        const shown = names[i] === undefined ? 'nothing more' : `"${names[i]}"`;
        const stored = there[i] === undefined ? 'nothing more is' : `"${there[i]}" is`;
        assert(false, `${reader} was shown ${shown} in ${place} where ${stored} at the end`);
      }
    }
  }
}
