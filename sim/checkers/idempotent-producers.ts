// The promise: whatever an idempotent producer had to repeat, each of its records is in the log at
// most once, and they are in the order in which they were sent.

import { assert } from '../../src/base/assert.ts';
import type { Ledger } from './ledger.ts';
import { type PartitionContents, placeName } from './partition-contents.ts';
import { nameOf } from './record-identity.ts';

export function assertNoDuplicatesNorReordering(ledger: Ledger, contents: PartitionContents): void {
  const lastNumbers = new Map<string, number>();
  for (const record of contents.records) {
    const session = ledger.session(record.producer);
    if (session?.traits.isIdempotent !== true) continue;
    const last = lastNumbers.get(session.name) ?? -1;
    const where = `${placeName(contents)} offset ${record.offset}`;
    assert(record.number !== last, `"${nameOf(record)}" is there twice, at ${where} again`);
    assert(record.number > last, `"${nameOf(record)}" at ${where} comes after record ${last}`);
    lastNumbers.set(session.name, record.number);
  }
}
