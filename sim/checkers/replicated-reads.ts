// The promise (replication): no record below a high watermark that any client was told is lost or
// changed. An offset that somebody has read has one record for all readers and all times, and the
// log reaches as far as anybody was told that it does, whoever leads, as long as a member of the
// in-sync replicas that acknowledged the records keeps its disk.
//
// Of the watermark that a reader is told it demands nothing else: a new leader's may be behind its
// predecessor's for a moment (partition-ends.ts judges what clients call the end).

import { assert } from '../../src/base/assert.ts';
import type { DiskLosses } from './disk-losses.ts';
import {
  type PartitionContents,
  type Place,
  placeName,
  type StoredRecord,
} from './partition-contents.ts';
import { nameOf } from './record-identity.ts';

export interface ReplicatedReadsOptions {
  readonly losses: DiskLosses;
  /** Records may be deleted at the start while they are read. */
  readonly mayStartLate: boolean;
}

export class ReplicatedReads {
  readonly #losses: DiskLosses;
  readonly #mayStartLate: boolean;
  readonly #records = new Map<string, StoredRecord>();
  readonly #positions = new Map<string, number>();
  /** The furthest that anybody was told, by place. */
  readonly #told = new Map<string, { readonly offset: number; readonly by: string }>();

  constructor({ losses, mayStartLate }: ReplicatedReadsOptions) {
    this.#losses = losses;
    this.#mayStartLate = mayStartLate;
  }

  /** How many offsets somebody has seen. */
  get recordCount(): number {
    return this.#records.size;
  }

  /** A reader was handed the record. */
  onRecord(reader: string, record: StoredRecord): void {
    const place = placeName(record);
    const where = `${place} offset ${record.offset}`;
    const seen = this.#records.get(where);
    if (seen !== undefined && nameOf(seen) !== nameOf(record)) {
      const what = `${where} was "${nameOf(seen)}" and is "${nameOf(record)}" now`;
      assert(!this.#losses.isPromised(seen), `${what}, which ${reader} reads`);
    }
    this.#records.set(where, record);
    const key = `${reader} ${place}`;
    const due = this.#positions.get(key) ?? 0;
    this.#positions.set(key, record.offset + 1);
    if (record.offset === due || !this.#losses.isPromisedAll(record)) return;
    assert(record.offset > due, `${reader} reads ${where} although ${due} was next`);
    assert(this.#mayStartLate, `${reader} reads ${where} and missed what is from ${due} on`);
  }

  /** Somebody was told the high watermark. */
  onHighWatermark(reader: string, place: Place, offset: number): void {
    const key = placeName(place);
    if (offset <= (this.#told.get(key)?.offset ?? 0)) return;
    this.#told.set(key, { offset, by: reader });
  }

  /** What was told and read before the contents were read must be in them. */
  marks(): ReadonlyMap<string, { readonly offset: number; readonly by: string }> {
    return new Map(this.#told);
  }

  assertStillThere(contents: PartitionContents, marks = this.marks()): void {
    const { startOffset, endOffset } = contents;
    const place = placeName(contents);
    const told = marks.get(place);
    if (told !== undefined && this.#losses.isPromisedAll(contents)) {
      const what = `${place} ends at ${endOffset}, and ${told.by} was told of ${told.offset}`;
      assert(endOffset >= told.offset, what);
    }
    const byOffset = new Map(contents.records.map((record) => [record.offset, record]));
    for (const seen of this.#records.values()) {
      if (placeName(seen) !== place || seen.offset < startOffset) continue;
      if (!this.#losses.isPromised(seen)) continue;
      const found = byOffset.get(seen.offset);
      const what = `"${nameOf(seen)}" was read at ${place} offset ${seen.offset}`;
      assert(found !== undefined, `${what} and is not there any more`);
      assert(nameOf(found) === nameOf(seen), `${what}, which is "${nameOf(found)}" now`);
    }
  }
}
