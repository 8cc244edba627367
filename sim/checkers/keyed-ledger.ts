// What was written to topics of which the last value of each key counts, and what was told about
// it. A key belongs to one producer, so that the order of its updates is the order in which they
// were sent. Updates say who they are in every byte, tombstones in a header.

import { assert } from '../../src/base/assert.ts';
import { murmur2 } from '../../src/base/murmur2.ts';
import { type Place, placeName } from './partition-contents.ts';

export interface Update extends Place {
  readonly key: string;
  /** Counts the updates of the key, from 0. */
  readonly number: number;
  readonly isTombstone: boolean;
  readonly timestamp: number;
  /** `open`: it may have happened. `aborted`: it was part of a transaction that was. */
  outcome: 'open' | 'acknowledged' | 'aborted';
  /** -1: nobody has said yet. */
  offset: number;
}

export interface KeyedRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
}

/** A partition as it was read from beginning to end. */
export interface KeyedContents extends Place {
  readonly updates: readonly Update[];
}

const sizes = [0, 10, 10, 40, 40, 200, 1_000];

export class KeyedLedger {
  readonly #byKey = new Map<string, Update[]>();

  /** The next update of the key, which is of this partition. */
  next(place: Place, key: string, sent: Pick<Update, 'isTombstone' | 'timestamp'>): Update {
    const updates = this.#byKey.get(key) ?? [];
    this.#byKey.set(key, updates);
    const { topic, partition } = place;
    const known = { topic, partition, key, number: updates.length, ...sent };
    const update: Update = { ...known, outcome: 'open', offset: -1 };
    assert(placeName(updates[0] ?? update) === placeName(place), `${key} has one partition`);
    updates.push(update);
    return update;
  }

  /** By key, in the order in which they were sent. */
  *keysOf(place: Place): Iterable<readonly [string, readonly Update[]]> {
    for (const [key, updates] of this.#byKey) {
      if (placeName(updates[0] as Update) === placeName(place)) yield [key, updates];
    }
  }

  /** The update that the record is, to the last byte and wherever it lies; null if it is none. */
  find(record: KeyedRecord): Update | null {
    const number = Number(record.headers[0]?.value?.toString() ?? Number.NaN);
    const update = this.#byKey.get(record.key?.toString() ?? '')?.[number];
    if (update === undefined) return null;
    const { value } = recordOfUpdate(update);
    const isSame = value === null ? record.value === null : record.value?.equals(value) === true;
    return isSame ? update : null;
  }

  /** A reader was handed a record: throws unless it is one that was sent, at its one offset. */
  recognise(record: KeyedRecord & Place & { offset: number; timestamp: number }): Update {
    const number = Number(record.headers[0]?.value?.toString() ?? Number.NaN);
    const update = this.#byKey.get(record.key?.toString() ?? '')?.[number];
    const where = `${placeName(record)} offset ${record.offset}`;
    assert(update !== undefined, `what is at ${where} was never sent`);
    const what = `${describe(update)} at ${where}`;
    assert(placeName(update) === placeName(record), `${what} was sent elsewhere`);
    const { value } = recordOfUpdate(update);
    const isSame = value === null ? record.value === null : record.value?.equals(value) === true;
    assert(isSame, `${what} has another value than was sent`);
    assert(record.timestamp === update.timestamp, `${what} has another time than was sent`);
    assert(update.outcome !== 'aborted', `${what} is visible, and was aborted`);
    const isInPlace = update.offset < 0 || update.offset === record.offset;
    assert(isInPlace, `${what} was at ${update.offset} before`);
    update.offset = record.offset;
    return update;
  }
}

export function describe({ key, number, isTombstone }: Update): string {
  return `${isTombstone ? 'tombstone' : 'update'} ${number} of "${key}"`;
}

export function recordOfUpdate(update: Update): KeyedRecord & { readonly key: Buffer } {
  const { key, number, isTombstone } = update;
  const headers = [{ key: 'n', value: Buffer.from(String(number)) }];
  if (isTombstone) return { key: Buffer.from(key), value: null, headers };
  const text = `${key} ${number}`;
  const sizeBytes = sizes[(murmur2(Buffer.from(text)) >>> 0) % sizes.length] as number;
  return { key: Buffer.from(key), value: Buffer.alloc(sizeBytes, text), headers };
}
