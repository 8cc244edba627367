// The aborted transactions of a segment (.txnindex), by which read_committed readers know what to
// skip: entries of 34 bytes in the order of the abort markers. Transactions that committed leave
// nothing. The file exists only once there is an entry.

import { readInt64, writeInt64 } from '../../base/int64.ts';

export const TRANSACTION_ENTRY_BYTES = 34;

export interface AbortedTransactionEntry {
  readonly producerId: number;
  readonly firstOffset: number;
  /** The offset of the abort marker. */
  readonly lastOffset: number;
  /** The last stable offset after the marker: nothing before it is undecided. */
  readonly lastStableOffset: number;
}

/** Entries in the file's order; what is behind a torn or foreign entry is ignored. */
export function decodeTransactionIndex(bytes: Buffer): AbortedTransactionEntry[] {
  const entries: AbortedTransactionEntry[] = [];
  for (let at = 0; at + TRANSACTION_ENTRY_BYTES <= bytes.length; at += TRANSACTION_ENTRY_BYTES) {
    if (bytes.readInt16BE(at) !== 0) break;
    const entry = {
      producerId: readInt64(bytes, at + 2),
      firstOffset: readInt64(bytes, at + 10),
      lastOffset: readInt64(bytes, at + 18),
      lastStableOffset: readInt64(bytes, at + 26),
    };
    if (entry.lastOffset <= entry.firstOffset) break;
    entries.push(entry);
  }
  return entries;
}

export function encodeTransactionIndex(entries: readonly AbortedTransactionEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * TRANSACTION_ENTRY_BYTES);
  let at = 0;
  for (const entry of entries) {
    writeInt64(bytes, at + 2, entry.producerId);
    writeInt64(bytes, at + 10, entry.firstOffset);
    writeInt64(bytes, at + 18, entry.lastOffset);
    writeInt64(bytes, at + 26, entry.lastStableOffset);
    at += TRANSACTION_ENTRY_BYTES;
  }
  return bytes;
}
