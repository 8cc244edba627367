// The promise: a record that was acknowledged (acks=1 or all, one replica) is there, at the offset
// that the acknowledgement named, as long as the disk kept what it was told to keep: after a kill
// always, after a power cut if the topic syncs before it acknowledges (flush.messages=1).
//
// With several replicas it is made for acks=all alone, and for as long as one member of the in-sync
// replicas that acknowledged the record keeps its disk (disk-losses.ts).
//
// No promise is made for acks=0, and none for what retention or DeleteRecords took away.

import { assert } from '../../src/base/assert.ts';
import type { Ledger, SentRecord } from './ledger.ts';
import { type PartitionContents, placeName } from './partition-contents.ts';
import { nameOf } from './record-identity.ts';

export interface SurvivalOptions {
  /** Records before startOffset were deleted on purpose. Default false: it has to be 0. */
  readonly mayStartLate?: boolean;
  /** The leader alone may have it when it acknowledges with acks=1. Default false. */
  readonly isReplicated?: boolean;
  /** Default: every record. */
  readonly isPromised?: (record: SentRecord) => boolean;
}

export function assertAcknowledgedSurvive(
  ledger: Ledger,
  contents: PartitionContents,
  options: SurvivalOptions = {},
): void {
  const { mayStartLate = false, isReplicated = false, isPromised = () => true } = options;
  const { startOffset } = contents;
  const place = placeName(contents);
  assert(startOffset === 0 || mayStartLate, `${place} starts at ${startOffset}: records are lost`);
  const byOffset = new Map(contents.records.map((record) => [record.offset, nameOf(record)]));
  const present = new Set(byOffset.values());
  for (const session of ledger.sessions()) {
    if (session.traits.acks === 0 || (isReplicated && session.traits.acks === 1)) continue;
    for (const record of session.sentTo(contents)) {
      if (record.outcome !== 'acknowledged' || !isPromised(record)) continue;
      if (record.offset < 0) assertPresent(record, present, startOffset);
      else if (record.offset >= startOffset) assertAt(record, byOffset, place);
    }
  }
}

/** The broker recognised a retry and did not say where the record is. */
function assertPresent(record: SentRecord, present: ReadonlySet<string>, start: number): void {
  // Without its offset nobody can say that it is not among the deleted ones.
  if (start > 0) return;
  assert(present.has(nameOf(record)), `acknowledged record "${nameOf(record)}" is lost`);
}

function assertAt(record: SentRecord, byOffset: ReadonlyMap<number, string>, place: string): void {
  const found = byOffset.get(record.offset);
  const what = `acknowledged record "${nameOf(record)}"`;
  const where = `${place} offset ${record.offset}`;
  assert(found !== undefined, `${what} is lost: ${where} is not there`);
  assert(found === nameOf(record), `${what} is lost: ${where} is "${found}"`);
}
