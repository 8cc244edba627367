// Prints a producer snapshot: what a log knew of each idempotent or transactional producer.

import type { File } from '../../io/index.ts';
import { crc32c, decodeVersioned, producerSnapshot } from '../../protocol/index.ts';
import type { Print } from '../kafka-dump-log.ts';

const CRC_AT = 2;
const ENTRIES_AT = 6;

export function dumpSnapshot(file: File, print: Print): void {
  const bytes = Buffer.alloc(file.sizeBytes());
  file.readSync(bytes, 0);
  if (bytes.length < ENTRIES_AT || bytes.readUInt32BE(CRC_AT) !== crc32c(bytes, ENTRIES_AT)) {
    print(`${file.path} is damaged: its checksum does not match`);
    return;
  }
  const { value } = decodeVersioned(producerSnapshot, bytes);
  for (const entry of value.producerEntries) {
    const open = entry.currentTxnFirstOffset;
    const firstSequence = Math.max(0, entry.lastSequence - entry.offsetDelta);
    const line =
      `producerId: ${entry.producerId} producerEpoch: ${entry.epoch} ` +
      `coordinatorEpoch: ${entry.coordinatorEpoch} ` +
      `currentTxnFirstOffset: ${open < 0 ? 'OptionalLong.empty' : `OptionalLong[${open}]`} ` +
      `lastTimestamp: ${entry.timestamp}`;
    // After the end of a transaction no batch is remembered.
    const batch =
      ` firstSequence: ${firstSequence} lastSequence: ${entry.lastSequence} ` +
      `lastOffset: ${entry.lastOffset} offsetDelta: ${entry.offsetDelta} ` +
      `timestamp: ${entry.timestamp}`;
    print(line + (entry.lastOffset < 0 ? '' : batch));
  }
}
