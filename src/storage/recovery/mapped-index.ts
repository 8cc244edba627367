// How a killed Apache Kafka is known by what it left: it maps the indexes of the segment that it
// writes to at their full size, zeros behind the entries, and cuts them off where the segment ends
// or the broker stops. Ours are never longer than their entries.

import type { Disk } from '../../io/index.ts';
import { OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX } from '../segment/log-files.ts';
import { OFFSET_ENTRY_BYTES } from '../segment/offset-index.ts';
import type { Segment } from '../segment/segment.ts';
import { TIME_ENTRY_BYTES } from '../segment/time-index.ts';

/** @param indexBytesMax segment.index.bytes of the topic */
export function isMappedByKafka(disk: Disk, segment: Segment, indexBytesMax: number): boolean {
  return (
    endsInZeros(disk, segment.pathOf(OFFSET_INDEX_SUFFIX), [OFFSET_ENTRY_BYTES, indexBytesMax]) ||
    endsInZeros(disk, segment.pathOf(TIME_INDEX_SUFFIX), [TIME_ENTRY_BYTES, indexBytesMax])
  );
}

function endsInZeros(
  disk: Disk,
  path: string,
  [entryBytes, sizeBytesMax]: readonly [number, number],
): boolean {
  const sizeBytes = Math.floor(sizeBytesMax / entryBytes) * entryBytes;
  if (sizeBytes === 0 || disk.stat(path)?.sizeBytes !== sizeBytes) return false;
  const file = disk.open(path, 'read');
  try {
    const entry = Buffer.alloc(entryBytes);
    return (
      file.readSync(entry, sizeBytes - entryBytes) === entryBytes && entry.every((b) => b === 0)
    );
  } finally {
    file.close();
  }
}
