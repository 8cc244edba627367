// One record, as programs see it: what is given to be encoded and what is decoded.

/** A record to be encoded. Absent parts are null (key, value), none (headers) or -1 (timestamp). */
export interface RecordInput {
  readonly key?: Uint8Array | null;
  readonly value?: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since 1970; -1 is Kafka's "no timestamp". */
  readonly timestamp?: number;
  /** Only to keep gaps, as compaction does; without it the record follows the one before. */
  readonly offset?: number;
}

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** A decoded record. Key, value and header values are slices of the (decompressed) batch. */
export interface BatchRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly DecodedHeader[];
  /** The producer's sequence number, -1 when the producer is not idempotent. */
  readonly sequence: number;
}

export interface DecodedHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

export const NO_HEADERS: readonly DecodedHeader[] = Object.freeze([]);

/** Sequence numbers are int32 and start again from 0 after 2^31-1. */
export function sequenceAfter(sequence: number, increment: number): number {
  return (sequence + increment) % 0x8000_0000;
}
