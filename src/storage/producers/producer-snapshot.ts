// The producer snapshot file (<offset>.snapshot): the state of every idempotent producer once all
// batches before the offset were seen. Kafka's ProducerSnapshot, version 1, whose CRC-32C covers
// what is behind it. Kafka writes one entry a producer, with its last batch; ours writes one for
// each of the last five, so that a restart forgets none of them. Kafka reads that, too: a later
// entry of a producer replaces an earlier one.

import { readInt64, writeInt64 } from '../../base/int64.ts';
import { crc32c } from '../../protocol/index.ts';

const HEADER_BYTES = 10;
const CRC_END = 6;
const ENTRY_BYTES = 46;

export interface ProducerSnapshotEntry {
  readonly producerId: number;
  readonly epoch: number;
  /** -1, as lastOffset, when only markers were seen. */
  readonly lastSequence: number;
  readonly lastOffset: number;
  /** Offsets of the batch before its last. */
  readonly offsetDelta: number;
  readonly timestamp: number;
  readonly coordinatorEpoch: number;
  /** -1 when no transaction is open. */
  readonly currentTxnFirstOffset: number;
}

export function encodeProducerSnapshot(entries: readonly ProducerSnapshotEntry[]): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + entries.length * ENTRY_BYTES);
  bytes.writeInt16BE(1, 0);
  bytes.writeInt32BE(entries.length, CRC_END);
  let at = HEADER_BYTES;
  for (const entry of entries) {
    writeInt64(bytes, at, entry.producerId);
    bytes.writeInt16BE(entry.epoch, at + 8);
    bytes.writeInt32BE(entry.lastSequence, at + 10);
    writeInt64(bytes, at + 14, entry.lastOffset);
    bytes.writeInt32BE(entry.offsetDelta, at + 22);
    writeInt64(bytes, at + 26, entry.timestamp);
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34);
    writeInt64(bytes, at + 38, entry.currentTxnFirstOffset);
    at += ENTRY_BYTES;
  }
  bytes.writeUInt32BE(crc32c(bytes, CRC_END), 2);
  return bytes;
}

/** null for a file that is torn or not of this version. */
export function decodeProducerSnapshot(bytes: Buffer): ProducerSnapshotEntry[] | null {
  if (bytes.length < HEADER_BYTES || bytes.readInt16BE(0) !== 1) return null;
  if (crc32c(bytes, CRC_END) !== bytes.readUInt32BE(2)) return null;
  const count = bytes.readInt32BE(CRC_END);
  if (bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) return null;
  const entries: ProducerSnapshotEntry[] = [];
  for (let at = HEADER_BYTES; at < bytes.length; at += ENTRY_BYTES) {
    entries.push({
      producerId: readInt64(bytes, at),
      epoch: bytes.readInt16BE(at + 8),
      lastSequence: bytes.readInt32BE(at + 10),
      lastOffset: readInt64(bytes, at + 14),
      offsetDelta: bytes.readInt32BE(at + 22),
      timestamp: readInt64(bytes, at + 26),
      coordinatorEpoch: bytes.readInt32BE(at + 34),
      currentTxnFirstOffset: readInt64(bytes, at + 38),
    });
  }
  return entries;
}
