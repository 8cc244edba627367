// Whether the file of a segment still ends as a clean stop left it. It is asked for every log at
// every start: of the indexes only the last entry is read, of the batches behind it the headers.
// Invariant: true is only said where whole batches reach the end of the file, and the last one
// is the one before the offset, so that what is appended follows a batch.

import type { Disk } from '../../io/index.ts';
import { RECORD_BATCH_OVERHEAD } from '../../protocol/index.ts';
import { OFFSET_INDEX_SUFFIX } from '../segment/log-files.ts';
import { OFFSET_ENTRY_BYTES } from '../segment/offset-index.ts';
import type { Segment } from '../segment/segment.ts';
import { headerOrNull, offsetProblem } from './log-scan.ts';

/** As far as an index entry is from the next one, by default. */
const WINDOW_BYTES = 4096;

export function endsAsLeft(disk: Disk, segment: Segment, endOffset: number): boolean {
  const { baseOffset, sizeBytes, log } = segment;
  let position = lastIndexedPosition(disk, segment);
  let end = baseOffset;
  if (position < 0 || position >= sizeBytes) return false;
  const buffer = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, sizeBytes - position));
  try {
    while (position < sizeBytes) {
      const window = buffer.subarray(0, log.readSync(buffer, position));
      let at = 0;
      while (at + RECORD_BATCH_OVERHEAD <= window.length) {
        const header = headerOrNull(window, at);
        if (header === null || offsetProblem(header, baseOffset, end) !== null) return false;
        end = header.lastOffset + 1;
        at += header.sizeBytes;
      }
      if (at === 0) return false;
      position += at;
    }
  } finally {
    // Ten thousand logs that are looked at need no descriptor each.
    log.close();
  }
  return position === sizeBytes && end === endOffset;
}

/** 0 without an entry. What is read may be damaged: no batch is found there then. */
function lastIndexedPosition(disk: Disk, segment: Segment): number {
  const path = segment.pathOf(OFFSET_INDEX_SUFFIX);
  const sizeBytes = disk.stat(path)?.sizeBytes ?? 0;
  if (sizeBytes < OFFSET_ENTRY_BYTES) return 0;
  const entry = Buffer.alloc(OFFSET_ENTRY_BYTES);
  const file = disk.open(path, 'read');
  try {
    file.readSync(entry, sizeBytes - (sizeBytes % OFFSET_ENTRY_BYTES) - OFFSET_ENTRY_BYTES);
  } finally {
    file.close();
  }
  return entry.readInt32BE(4);
}
