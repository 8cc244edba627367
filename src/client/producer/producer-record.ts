// What goes into a producer and what comes back for it.

import { KafkaError, type RecordInput } from '../../protocol/index.ts';
import { InvalidArgumentError } from '../errors.ts';
import { type HeadersInput, headerListOf } from '../headers.ts';
import type { SentRecord } from '../topics.ts';

/** Text is sent as UTF-8. */
export type RecordText = Uint8Array | string | null;

export interface ProducerRecord<Key = RecordText, Value = RecordText> {
  readonly topic: string;
  /** Absent: the partitioner picks one. */
  readonly partition?: number | null;
  readonly key?: Key;
  readonly value?: Value;
  /** An object, a list of `{ key, value }` or of pairs, or `Headers`. */
  readonly headers?: HeadersInput;
  /** Milliseconds since 1970. Default: now. */
  readonly timestamp?: number;
}

/** What a producer with this table of topics takes; without a table any topic, and bytes. */
export type RecordOf<Topics> = SentRecord<ProducerRecord, Topics>;

export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 when the broker did not say: acks=0, or a retry of what it had already. */
  readonly offset: number;
  /** As stored: the record's own, or the broker's for a topic of log append time. */
  readonly timestamp: number;
}

/** Called once per record, with one argument that is not null. */
export type DeliveryCallback = (error: Error | null, metadata: RecordMetadata | null) => void;

/** Throws a TypeError for what a program without types may pass as a record. */
export function assertRecord(record: ProducerRecord): void {
  assertPlace(record);
  assertText('key', record.key);
  assertText('value', record.value);
}

/** All of `assertRecord` but key and value. */
export function assertPlace(record: ProducerRecord<unknown, unknown>): void {
  if (typeof record?.topic !== 'string') {
    throw new InvalidArgumentError('a record needs a topic: send({ topic, key, value })');
  }
  if (record.headers !== undefined) headerListOf(record.headers);
  const { partition, timestamp } = record;
  if (partition !== undefined && partition !== null && !Number.isInteger(partition)) {
    throw new InvalidArgumentError(`the partition of a record is a whole number, not ${partition}`);
  }
  if (timestamp !== undefined && !Number.isInteger(timestamp)) {
    throw new InvalidArgumentError(
      `the timestamp of a record is in whole milliseconds, not ${timestamp}`,
    );
  }
}

/** @throws KafkaError MESSAGE_TOO_LARGE */
export function assertSize(input: RecordInput, maxRequestSizeBytes: number): void {
  let bytes = (input.key?.length ?? 0) + (input.value?.length ?? 0);
  for (const header of input.headers ?? [])
    bytes += header.key.length + (header.value?.length ?? 0);
  // What Java adds for the batch and the record around them.
  const sizeBytes = bytes + 88;
  if (sizeBytes <= maxRequestSizeBytes) return;
  throw new KafkaError(
    'MESSAGE_TOO_LARGE',
    `a record takes ${sizeBytes} bytes, more than maxRequestSizeBytes (${maxRequestSizeBytes})`,
  );
}

export function assertText(name: string, text: unknown): void {
  if (typeof text === 'string' || text === null || text === undefined) return;
  if (text instanceof Uint8Array) return;
  const what = `the ${name} of a record is a string, bytes or null, not of type ${typeof text}`;
  throw new InvalidArgumentError(`${what}: use String() or JSON.stringify()`);
}

export function bytesOf(text: RecordText | undefined): Uint8Array | null {
  if (text === null || text === undefined) return null;
  return typeof text === 'string' ? Buffer.from(text) : text;
}

/** What a record takes while it waits to be put into a batch. */
export function roughBytesOf({ key, value }: ProducerRecord): number {
  return 70 + (key?.length ?? 0) + (value?.length ?? 0);
}
