// What goes into a producer and what comes back for it.

import type { RecordHeader } from '../../protocol/index.ts';

/** Text is sent as UTF-8. */
export type RecordText = Uint8Array | string | null;

export interface ProducerRecord {
  readonly topic: string;
  /** Absent: the partitioner picks one. */
  readonly partition?: number | null;
  readonly key?: RecordText;
  readonly value?: RecordText;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since 1970. Default: now. */
  readonly timestamp?: number;
}

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

export function bytesOf(text: RecordText | undefined): Uint8Array | null {
  if (text === null || text === undefined) return null;
  return typeof text === 'string' ? Buffer.from(text) : text;
}

/** What a record takes while it waits to be put into a batch. */
export function roughBytesOf({ key, value }: ProducerRecord): number {
  return 70 + (key?.length ?? 0) + (value?.length ?? 0);
}
