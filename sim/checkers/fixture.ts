// Ledgers and contents by hand, for the tests of the checkers.

import { Ledger, type SessionTraits } from './ledger.ts';
import type { PartitionContents } from './partition-contents.ts';

export const place = { topic: 't', partition: 0 };

export const idempotent: SessionTraits = { acks: -1, isIdempotent: true, isSerial: false };
export const pipelined: SessionTraits = { acks: 1, isIdempotent: false, isSerial: false };
export const unanswered: SessionTraits = { acks: 0, isIdempotent: false, isSerial: false };

/** One session `p`; each record is open (null), failed (false), or has an offset (-1: unknown). */
export function ledgerOf(traits: SessionTraits, told: readonly (number | false | null)[]): Ledger {
  const ledger = new Ledger();
  const session = ledger.openSession('p', traits);
  for (const offset of told) {
    const record = session.next(place, 1_000);
    if (offset === false) session.settle(record, new Error('given up'), -1);
    else if (offset !== null) session.settle(record, null, offset);
  }
  return ledger;
}

/** A log with these records of `p`, by number. */
export function contentsOf(numbers: readonly number[], startOffset = 0): PartitionContents {
  const records = numbers.map((number, index) => {
    return { ...place, producer: 'p', number, offset: startOffset + index, timestamp: 1_000 };
  });
  return { ...place, startOffset, endOffset: startOffset + numbers.length, records };
}
