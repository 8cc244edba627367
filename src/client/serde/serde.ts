// What turns keys and values into bytes and back: one interface for producer, consumer, streams,
// schema registry and connect (docs/decisions/0024).
//
// Invariant: null, as a value and as bytes, is a tombstone and never reaches a serde.

import type { Headers } from '../headers.ts';

/**
 * Turns values into bytes and back, synchronously. `T` is what is received; `Sent` is what may be
 * given for it, by default the same. What a serde throws becomes the `cause` of a SerdeError.
 */
export interface Serde<T, Sent = T> {
  /** Bytes of a value, or null for a tombstone. May add headers. */
  serialize(topic: string, value: Sent, headers: Headers): Uint8Array | null;
  /** The value of bytes. They are a slice of what was fetched: copy what is kept for long. */
  deserialize(topic: string, bytes: Buffer, headers: Headers): T;
  /**
   * Only for a serde that may need the network (schemas of a registry). null, when nothing is
   * missing, so that no promise is made; otherwise a promise that is awaited before the work is
   * done. Asked before each send and for each batch that was fetched; one that rejects fails the
   * send, or the records, with a SerdeError.
   */
  prepare?(topic: string, work: SerdeWork<Sent>): Promise<void> | null;
  /** Called when the last client that uses the serde has closed; another may come later. */
  close?(): void;
}

export type SerdeWork<T> =
  | { readonly kind: 'serialize'; readonly values: readonly T[] }
  | { readonly kind: 'deserialize'; readonly bytes: readonly Buffer[] };
