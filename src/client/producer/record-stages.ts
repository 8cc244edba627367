// What a record passes before the producer accepts it, when there are interceptors or topics with
// types: interceptors, what its serdes have to fetch first, serialization.
//
// Invariants: records of one topic come out in the order in which they went in; a record that is
// refused is refused alone, and its interceptors learn of it.

import { Queue } from '../../base/queue.ts';
import type { Clock } from '../../io/index.ts';
import type { Client } from '../client.ts';
import { Headers } from '../headers.ts';
import { SerdeError } from '../serde/index.ts';
import {
  assertTopics,
  definitionOf,
  keepSerdes,
  releaseSerdes,
  type TopicDefinition,
  type TopicTable,
} from '../topics.ts';
import { Interceptors } from './interceptors.ts';
import type { ProducerOptions } from './producer-options.ts';
import {
  assertPlace,
  assertRecord,
  assertText,
  type DeliveryCallback,
  type ProducerRecord,
  type RecordText,
} from './producer-record.ts';

/** Takes a record that is ready, as bytes. */
export type Admit = (record: ProducerRecord, callback: DeliveryCallback | null) => void;

/** A record of bytes that remembers what it was made of, for partitioners. */
export interface SerializedRecord extends ProducerRecord {
  readonly given: ProducerRecord<unknown, unknown>;
}

/** A record as the program gave it; key and value are for the serdes to judge. */
type GivenRecord = ProducerRecord<unknown, unknown>;

interface Waiting {
  readonly record: GivenRecord;
  readonly callback: DeliveryCallback | null;
  readonly admit: Admit;
  /** Of the first, when it came. */
  readonly work: Preparation | null;
}

/** What the serdes of a record have to fetch. */
interface Preparation {
  readonly part: 'key' | 'value';
  readonly done: Promise<unknown>;
}

interface Lane {
  readonly topic: string;
  readonly definition: TopicDefinition;
  /** Behind a record whose serdes have something to fetch. */
  readonly waiting: Queue<Waiting>;
}

export interface StagesHooks {
  /** A record that waited is settled otherwise than by `admit`. */
  refuse(error: Error, callback: DeliveryCallback | null): void;
  /** A failure that nobody else was told of. */
  onUntold(error: Error): void;
  /** So many more records wait, or fewer. */
  onWaiting(change: number): void;
}

export class RecordStages {
  readonly #clock: Clock;
  readonly #interceptors: Interceptors | null;
  readonly #topics: TopicTable | null;
  readonly #maxBlockMs: number;
  readonly #hooks: StagesHooks;
  readonly #lanes = new Map<string, Lane>();

  constructor(
    clock: Clock,
    parts: { readonly interceptors: Interceptors | null; readonly topics: TopicTable | null },
    maxBlockMs: number,
    hooks: StagesHooks,
  ) {
    this.#clock = clock;
    this.#interceptors = parts.interceptors;
    this.#topics = parts.topics;
    this.#maxBlockMs = maxBlockMs;
    this.#hooks = hooks;
    if (this.#topics !== null) keepSerdes(this.#topics);
  }

  /**
   * Hands the record on to `admit`, now or when its serdes are prepared. Throws a TypeError for
   * what is no record of these topics, and a SerdeError for what its serdes refuse.
   */
  take(given: GivenRecord, callback: DeliveryCallback | null, admit: Admit): void {
    const interceptors = this.#interceptors;
    if (interceptors === null) {
      this.#pass(given, callback, admit);
      return;
    }
    assertPlace(given);
    const record = interceptors.onSend(given as ProducerRecord);
    const told = interceptors.around(record, callback, this.#hooks.onUntold);
    try {
      this.#pass(record, told, admit);
    } catch (error) {
      interceptors.onFailed(record, error as Error);
      throw error;
    }
  }

  /** Refuses what waits. */
  drop(error: Error): void {
    for (const { waiting } of this.#lanes.values()) {
      const dropped = waiting.drain();
      this.#hooks.onWaiting(-dropped.length);
      for (const { callback } of dropped) this.#hooks.refuse(error, callback);
    }
  }

  close(): void {
    this.#interceptors?.close();
    if (this.#topics !== null) releaseSerdes(this.#topics);
  }

  #pass(record: GivenRecord, callback: DeliveryCallback | null, admit: Admit): void {
    if (this.#topics === null) {
      assertRecord(record as ProducerRecord);
      admit(record as ProducerRecord, callback);
      return;
    }
    assertPlace(record);
    const lane = this.#laneOf(this.#topics, record.topic);
    const isFirst = lane.waiting.length === 0;
    const work = isFirst ? prepare(lane, record) : null;
    if (isFirst && work === null) {
      admit(serialize(lane, record), callback);
      return;
    }
    lane.waiting.push({ record, callback, admit, work });
    this.#hooks.onWaiting(1);
    if (work !== null) void this.#workOff(lane);
  }

  #laneOf(topics: TopicTable, topic: string): Lane {
    let lane = this.#lanes.get(topic);
    if (lane === undefined) {
      lane = { topic, definition: definitionOf(topics, topic), waiting: new Queue() };
      this.#lanes.set(topic, lane);
    }
    return lane;
  }

  /** Takes the records of a lane out in order, each when what its serdes need is there. */
  async #workOff(lane: Lane): Promise<void> {
    const { waiting } = lane;
    for (let head = waiting.first; head !== undefined; head = waiting.first) {
      const { record, callback, admit } = head;
      let ready: ProducerRecord | null = null;
      let failure: Error | null = null;
      try {
        const work = head.work ?? prepare(lane, record);
        if (work !== null) await this.#inTime(lane, work);
        ready = serialize(lane, record);
      } catch (error) {
        failure = error as Error;
      }
      // Dropped meanwhile, with all that waited behind it.
      if (waiting.first !== head) return;
      waiting.shift();
      if (ready !== null) admit(ready, callback);
      else this.#hooks.refuse(failure as Error, callback);
      this.#hooks.onWaiting(-1);
    }
  }

  /** Rejects with a SerdeError. */
  #inTime({ topic }: Lane, { part, done }: Preparation): Promise<void> {
    const timeoutMs = this.#maxBlockMs;
    return new Promise<void>((resolve, reject) => {
      const fail = (error: unknown): void => reject(new SerdeError({ topic, part }, error));
      const timer = this.#clock.after(timeoutMs, () =>
        fail(new Error(`its serde was not ready within maxBlockMs (${timeoutMs} ms)`)),
      );
      done.then(() => resolve(), fail).finally(() => timer.cancel());
    });
  }
}

/** null when nothing is missing, which is the usual case. */
function prepare({ topic, definition }: Lane, record: GivenRecord): Preparation | null {
  const key = preparing(topic, definition, 'key', record.key);
  const value = preparing(topic, definition, 'value', record.value);
  if (key === null || value === null) return key ?? value;
  // The first that fails is what is told; which of them, its message says.
  return { part: 'value', done: Promise.all([key.done, value.done]) };
}

function preparing(
  topic: string,
  definition: TopicDefinition,
  part: 'key' | 'value',
  given: unknown,
): Preparation | null {
  const serde = definition[part];
  if (serde?.prepare === undefined || given === null || given === undefined) return null;
  try {
    const done = serde.prepare(topic, { kind: 'serialize', values: [given] });
    return done === null ? null : { part, done };
  } catch (error) {
    throw new SerdeError({ topic, part }, error);
  }
}

function serialize({ topic, definition }: Lane, record: GivenRecord): SerializedRecord {
  const headers = new Headers(record.headers);
  const key = bytesBy(topic, definition, 'key', record.key, headers);
  const value = bytesBy(topic, definition, 'value', record.value, headers);
  const { partition, timestamp } = record;
  const withHeaders = headers.length === 0 ? {} : { headers };
  const withTime = timestamp === undefined ? {} : { timestamp };
  return {
    topic,
    partition: partition ?? null,
    key,
    value,
    given: record,
    ...withHeaders,
    ...withTime,
  };
}

function bytesBy(
  topic: string,
  definition: TopicDefinition,
  part: 'key' | 'value',
  given: unknown,
  headers: Headers,
): RecordText {
  if (given === null || given === undefined) return null;
  const serde = definition[part];
  if (serde === undefined) {
    assertText(part, given);
    return given as RecordText;
  }
  let bytes: unknown;
  try {
    bytes = serde.serialize(topic, given, headers);
    if (bytes !== null && !(bytes instanceof Uint8Array)) throw notBytes(bytes);
  } catch (error) {
    throw new SerdeError({ topic, part }, error);
  }
  return bytes;
}

function notBytes(bytes: unknown): TypeError {
  if (bytes instanceof Promise) bytes.catch(() => {});
  const what = bytes instanceof Promise ? 'a promise: serialize() is synchronous' : typeof bytes;
  return new TypeError(`its serde gave no bytes but ${what}`);
}

/** null when the options ask for none of it: then records go the short way. */
export function createStages(
  client: Client,
  options: ProducerOptions<TopicTable>,
  maxBlockMs: number,
  hooks: StagesHooks,
): RecordStages | null {
  const { interceptors: list, topics } = options;
  if (topics !== undefined) assertTopics(topics);
  const interceptors =
    list === undefined || list.length === 0 ? null : new Interceptors(list, options, client.log);
  if (interceptors === null && topics === undefined) return null;
  const parts = { interceptors, topics: topics ?? null };
  return new RecordStages(client.io.clock, parts, maxBlockMs, hooks);
}
