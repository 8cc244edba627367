// Prints a producer snapshot: what a log knew of each idempotent or transactional producer.

import type { File } from '../../io/index.ts';
import { crc32c, decodeVersioned, producerSnapshot } from '../../protocol/index.ts';
import type { DumpOutput } from './dump-output.ts';

const CRC_AT = 2;
const ENTRIES_AT = 6;

/** What is wrong with a snapshot; a broker does without such a one. */
function damageOf(bytes: Buffer): string | null {
  if (bytes.length < ENTRIES_AT) return `${bytes.length} bytes are no snapshot`;
  const version = bytes.readInt16BE(0);
  if (version !== 1) return `it is of version ${version}, and only version 1 is known`;
  const stored = bytes.readUInt32BE(CRC_AT);
  const computed = crc32c(bytes, ENTRIES_AT);
  return stored === computed ? null : `its checksum is ${stored}, and should be ${computed}`;
}

export function dumpSnapshot(file: File, { print, complain }: DumpOutput): void {
  const bytes = Buffer.alloc(file.sizeBytes());
  file.readSync(bytes, 0);
  const damage = damageOf(bytes);
  if (damage !== null) {
    complain(`${file.path} is damaged: ${damage}`);
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
