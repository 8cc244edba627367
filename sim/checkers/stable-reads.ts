// The promise: what consumers may see does not change under them. An offset has one record, for
// all readers and all times; no reader is ever sent back; the high watermark that a reader is told
// never goes back. (With one replica, and a disk that keeps what it was told to keep.)

import { assert } from '../../src/base/assert.ts';
import { type PartitionContents, placeName, type StoredRecord } from './partition-contents.ts';
import { nameOf } from './record-identity.ts';

type Place = { readonly topic: string; readonly partition: number };

export interface StableReadsOptions {
  /** Records may be deleted at the start while they are read. Default false. */
  readonly mayStartLate?: boolean;
}

export class StableReads {
  readonly #mayStartLate: boolean;
  readonly #records = new Map<string, string>();
  readonly #highWatermarks = new Map<string, number>();
  readonly #positions = new Map<string, number>();

  constructor({ mayStartLate = false }: StableReadsOptions = {}) {
    this.#mayStartLate = mayStartLate;
  }

  /** How many offsets somebody has seen. */
  get recordCount(): number {
    return this.#records.size;
  }

  /** A reader was handed the record. */
  onRecord(reader: string, record: StoredRecord): void {
    const where = `${placeName(record)} offset ${record.offset}`;
    const name = nameOf(record);
    const seen = this.#records.get(where) ?? name;
    assert(seen === name, `${where} was "${seen}" and is "${name}" now`);
    this.#records.set(where, name);
    const key = `${reader} ${placeName(record)}`;
    const due = this.#positions.get(key) ?? 0;
    assert(record.offset >= due, `${reader} reads ${where} although ${due} was next`);
    const isNext = record.offset === due || this.#mayStartLate;
    assert(isNext, `${reader} reads ${where} and missed what is from ${due} on`);
    this.#positions.set(key, record.offset + 1);
  }

  /** A reader was told the high watermark, after whatever it was told before. */
  onHighWatermark(reader: string, place: Place, highWatermark: number): void {
    const key = `${reader} ${placeName(place)}`;
    const known = this.#highWatermarks.get(key) ?? 0;
    const what = `the high watermark of ${placeName(place)}`;
    assert(highWatermark >= known, `${what} goes back from ${known} to ${highWatermark}`);
    this.#highWatermarks.set(key, highWatermark);
  }

  /** How far each reader has come. */
  marks(): ReadonlyMap<string, number> {
    return new Map(this.#positions);
  }

  /** What readers had seen before the contents were read must be in them. */
  assertStillThere(contents: PartitionContents, marks = this.marks()): void {
    const { endOffset } = contents;
    const place = placeName(contents);
    for (const [key, position] of marks) {
      if (!key.endsWith(` ${place}`)) continue;
      const isThere = endOffset >= position;
      assert(isThere, `${place} ends at ${endOffset}, and ${key} has read up to ${position}`);
    }
  }
}
