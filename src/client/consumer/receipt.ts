// Records as the serdes of their topics make them. Fetching knows bytes only; what is polled passes
// here when the consumer has a table of topics.
//
// Invariants: a record whose serde has to look something up first goes back, and its partition
// rests until that is done, while others are handed out; the position stays at a record that its
// serde refuses, unless refusals are passed over.

import { pushAll } from '../../base/push-all.ts';
import type { Clock, Log } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { keyOf } from '../leader-requests.ts';
import { type Serde, SerdeError } from '../serde/index.ts';
import type { TopicDefinition, TopicTable } from '../topics.ts';
import type { AssignedPartition } from './assigned-partition.ts';
import type { OnSerdeError } from './consumer-options.ts';
import type { ConsumerRecord } from './consumer-record.ts';
import type { Fetcher } from './fetcher.ts';

export interface ReceiptParts {
  readonly topics: TopicTable;
  readonly onSerdeError: OnSerdeError;
  readonly log: Log;
  readonly fetcher: Fetcher;
  readonly clock: Clock;
  /** How long serdes may take to look something up. */
  readonly limitMs: number;
  onNews(): void;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

export class Receipt {
  readonly #parts: ReceiptParts;
  /** What the next poll throws, unless the position has moved. */
  #owed: { readonly error: SerdeError; readonly partition: AssignedPartition } | null = null;

  constructor(parts: ReceiptParts) {
    this.#parts = parts;
  }

  /** Before records are collected. Throws what the poll before had no room for. */
  throwOwed(): void {
    const owed = this.#owed;
    this.#owed = null;
    if (owed === null) return;
    const { error, partition } = owed;
    const isThere = this.#parts.fetcher.partition(partition) === partition;
    if (isThere && partition.position === error.offset) throw error;
  }

  /** Those of the records whose serdes have all that they need. */
  prepared(records: ConsumerRecord[]): ConsumerRecord[] {
    let ready: ConsumerRecord[] | null = null;
    for (let begin = 0; begin < records.length; ) {
      const run = runAt(records, begin);
      begin += run.length;
      const work = this.#prepare(run);
      if (work === null) {
        if (ready !== null) pushAll(ready, run);
      } else {
        ready ??= records.slice(0, begin - run.length);
        this.#putBack(run[0] as ConsumerRecord, work);
      }
    }
    return ready ?? records;
  }

  /** The same records with keys and values as their serdes make them. Throws a SerdeError. */
  decoded(records: ConsumerRecord[]): ConsumerRecord[] {
    const { topics, onSerdeError, log } = this.#parts;
    const out: ConsumerRecord[] = [];
    const stopped = new Set<string>();
    for (const record of records) {
      const definition = ownOf(topics, record.topic);
      if (definition === undefined) {
        out.push(record);
        continue;
      }
      if (stopped.size > 0 && stopped.has(keyOf(record))) continue;
      try {
        const { key, value } = decode(record, definition);
        const own = record as Writable<ConsumerRecord>;
        own.key = key as Buffer | null;
        own.value = value as Buffer | null;
        out.push(record);
      } catch (error) {
        if (!(error instanceof SerdeError)) throw error;
        if (onSerdeError === 'bytes') out.push(record);
        else if (onSerdeError === 'skip') {
          log.warn('a record is skipped', { reason: error.message });
        } else {
          stopped.add(keyOf(record));
          this.#stopAt(record, error);
        }
      }
    }
    if (out.length === 0) this.throwOwed();
    return out;
  }

  /** A record of its own, beside the one of bytes. Throws a SerdeError. */
  decodedCopy(record: ConsumerRecord): ConsumerRecord {
    const definition = ownOf(this.#parts.topics, record.topic);
    if (definition === undefined) return record;
    try {
      return {
        ...record,
        ...(decode(record, definition) as Pick<ConsumerRecord, 'key' | 'value'>),
      };
    } catch (error) {
      if (this.#parts.onSerdeError !== 'bytes') throw error;
      return record;
    }
  }

  /** null: nothing is missing. */
  #prepare(run: readonly ConsumerRecord[]): Promise<unknown> | null {
    const { topics } = this.#parts;
    const { topic } = run[0] as ConsumerRecord;
    const origin = topic.replace(/-retry-\d+(ms|s|m|h)$/, '');
    const definition = ownOf(topics, topic) ?? ownOf(topics, origin);
    const works: Promise<void>[] = [];
    for (const part of ['key', 'value'] as const) {
      const serde = definition?.[part];
      if (serde?.prepare === undefined) continue;
      const bytes = run.flatMap((record) => record[part] ?? []);
      const work = serde.prepare(topic, { kind: 'deserialize', bytes });
      if (work !== null) works.push(work);
    }
    return works.length === 0 ? null : Promise.all(works);
  }

  #putBack(first: ConsumerRecord, work: Promise<unknown>): void {
    const { fetcher, clock, limitMs, onNews } = this.#parts;
    const partition = fetcher.partition(first);
    work.catch(() => {});
    if (partition === undefined) return;
    seekBack(partition, first.offset);
    partition.awaitsSerdes = true;
    within(clock, limitMs, work)
      .catch((error: unknown) => {
        const { topic, partition: number, offset } = first;
        const place = { topic, partition: number, offset, part: 'value' } as const;
        this.#owed ??= { error: new SerdeError(place, error), partition };
      })
      .finally(() => {
        partition.awaitsSerdes = false;
        fetcher.pump();
        onNews();
      });
  }

  #stopAt(record: ConsumerRecord, error: SerdeError): void {
    const partition = this.#parts.fetcher.partition(record);
    if (partition === undefined) return;
    seekBack(partition, record.offset);
    this.#owed ??= { error, partition };
  }
}

async function within(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  let expire: (error: Error) => void = () => {};
  const expiry = new Promise<never>((_, reject) => {
    expire = reject;
  });
  const message = `it was not ready within ${limitMs} ms (defaultApiTimeoutMs)`;
  const timer = clock.after(limitMs, () => expire(new KafkaError('REQUEST_TIMED_OUT', message)));
  try {
    await Promise.race([work, expiry]);
  } finally {
    timer.cancel();
  }
}

/** The records from there on that are of one partition. */
function runAt(records: readonly ConsumerRecord[], begin: number): ConsumerRecord[] {
  const { topic, partition } = records[begin] as ConsumerRecord;
  let end = begin + 1;
  while (records[end]?.partition === partition && records[end]?.topic === topic) end++;
  return records.slice(begin, end);
}

function seekBack(partition: AssignedPartition, offset: number): void {
  const { beganAt } = partition;
  partition.seek(offset);
  partition.beganAt = beganAt;
}

function ownOf(topics: TopicTable, topic: string): TopicDefinition | undefined {
  return Object.hasOwn(topics, topic) ? topics[topic] : undefined;
}

function decode(
  record: ConsumerRecord,
  { key, value }: TopicDefinition,
): { key: unknown; value: unknown } {
  return { key: decodePart(record, 'key', key), value: decodePart(record, 'value', value) };
}

function decodePart(
  record: ConsumerRecord,
  part: 'key' | 'value',
  serde: Serde<unknown, never> | Serde<unknown> | undefined,
): unknown {
  const bytes = record[part];
  if (serde === undefined || bytes === null) return bytes;
  try {
    return serde.deserialize(record.topic, bytes, record.headers);
  } catch (error) {
    const { topic, partition, offset } = record;
    throw new SerdeError({ part, topic, partition, offset }, error);
  }
}
