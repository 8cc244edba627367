// The promise: a log holds records that were sent to it, unchanged, under dense offsets. Of each
// producer that keeps its order (idempotent, or one request at a time) it holds a prefix: a record
// that is missing between others is one that the producer was told had failed. What acks=0 and
// several requests without numbering keep of the order is left open, as Kafka does. With several
// replicas a record that the leader alone acknowledged (acks=1) may go with it.

import { assert } from '../../src/base/assert.ts';
import type { Ledger, ProducerSession } from './ledger.ts';
import { type PartitionContents, placeName, type StoredRecord } from './partition-contents.ts';
import { nameOf } from './record-identity.ts';

/** Offsets follow each other from the start to the end without a gap. */
export function assertDense(contents: PartitionContents): void {
  const { startOffset, endOffset, records } = contents;
  const place = placeName(contents);
  for (const [index, { offset }] of records.entries()) {
    const expected = startOffset + index;
    assert(offset === expected, `${place}: offset ${offset} follows where ${expected} was due`);
  }
  const count = endOffset - startOffset;
  assert(records.length === count, `${place}: ${records.length} of ${count} offsets have records`);
}

/** Every record is one that was sent to this partition, to the last byte and millisecond. */
export function assertSent(ledger: Ledger, contents: PartitionContents): void {
  const place = placeName(contents);
  for (const record of contents.records) {
    const what = `"${nameOf(record)}" at ${place} offset ${record.offset}`;
    const sent = ledger.session(record.producer)?.sentTo(contents)[record.number];
    assert(sent !== undefined && placeName(record) === place, `${what} was never sent there`);
    assert(record.timestamp === sent.timestamp, `${what} has another time than was sent`);
  }
}

export function assertPrefixOfSent(
  ledger: Ledger,
  contents: PartitionContents,
  { isReplicated = false }: { readonly isReplicated?: boolean } = {},
): void {
  // What was deleted at the start cannot be missed.
  if (contents.startOffset > 0) return;
  for (const session of ledger.sessions()) {
    const stored = contents.records.filter(({ producer }) => producer === session.name);
    const { acks, isIdempotent, isSerial } = session.traits;
    if (acks === 0) assertOnce(stored);
    else if (isReplicated && acks === 1) continue;
    else if (isIdempotent || isSerial) assertNoGap(session, contents, stored);
  }
}

/** Nothing that was sent without wanting an answer is sent again. */
function assertOnce(stored: readonly StoredRecord[]): void {
  const seen = new Set<number>();
  for (const record of stored) {
    assert(!seen.has(record.number), `"${nameOf(record)}" of acks=0 is there twice`);
    seen.add(record.number);
  }
}

function assertNoGap(
  session: ProducerSession,
  contents: PartitionContents,
  stored: readonly StoredRecord[],
): void {
  const sent = session.sentTo(contents);
  let highest = -1;
  for (const { number } of stored) {
    // What the producer gave up may still have arrived, whenever it did.
    if (number <= highest || sent[number]?.outcome === 'failed') continue;
    for (const record of sent.slice(highest + 1, number)) {
      const isExcused = record.outcome === 'failed';
      assert(isExcused, `"${nameOf(record)}" is missing or late: ${number} comes before it`);
    }
    highest = number;
  }
}
