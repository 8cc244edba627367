// The metadata log is looked through before it is opened: opening cuts a log at the first bytes
// that are no batch, and in a log whose every record was synced before anybody was told of it, that
// is right for one thing only: what a crash left of a write that nobody was told of.
//
// Invariant: nothing here changes a file.

import type { Disk } from '../../../io/index.ts';
import {
  batchSizeAt,
  isBatchCrcValid,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
} from '../../../protocol/index.ts';
import { findBehind, type OpenFiles, PooledFile, scanBatches } from '../../../storage/index.ts';

export interface SegmentFile {
  readonly path: string;
  readonly name: string;
  readonly baseOffset: number;
  readonly sizeBytes: number;
}

export interface FoundBatch {
  readonly segment: SegmentFile;
  readonly position: number;
  readonly baseOffset: number;
}

export interface LogDamage {
  readonly segment: SegmentFile;
  /** Where the bytes begin that cannot be read. */
  readonly position: number;
  /** Offset of the record that should be there. */
  readonly offset: number;
  readonly problem: string;
  /**
   * The first good batch behind it: a torn write has none. `unclear`: there are good batches, of
   * which nobody can tell whether they are the log's.
   */
  readonly next: FoundBatch | 'unclear' | null;
  /** All bytes of the batch are there and they are not zeros: what an append seldom leaves. */
  readonly isWhole: boolean;
}

export interface CheckedLog {
  /** All there are, ascending. */
  readonly segments: readonly SegmentFile[];
  /** Of what can be read, from the first segment that was looked at. */
  readonly endOffset: number;
  readonly damage: LogDamage | null;
}

export function listSegments(disk: Disk, folder: string): SegmentFile[] {
  const segments: SegmentFile[] = [];
  for (const { name, isDirectory } of disk.list(folder)) {
    const match = isDirectory ? null : /^(\d{20})\.log$/.exec(name);
    if (match === null) continue;
    const path = `${folder}/${name}`;
    const sizeBytes = disk.stat(path)?.sizeBytes ?? 0;
    segments.push({ path, name, baseOffset: Number(match[1]), sizeBytes });
  }
  return segments.sort((a, b) => a.baseOffset - b.baseOffset);
}

/** Looks at every segment that holds records from the offset on: those that an opening reads. */
export async function checkLog(
  files: OpenFiles,
  folder: string,
  from: number,
): Promise<CheckedLog> {
  const segments = listSegments(files.disk, folder);
  let at = Math.max(
    0,
    segments.findLastIndex(({ baseOffset }) => baseOffset < from),
  );
  let endOffset = segments[at]?.baseOffset ?? 0;
  for (; at < segments.length; at++) {
    const segment = segments[at] as SegmentFile;
    const isMissing = segment.baseOffset > Math.max(endOffset, from);
    const isOverlapping = segment.baseOffset < endOffset;
    if (isMissing || isOverlapping) {
      const problem = isMissing
        ? `the records from ${endOffset} to ${segment.baseOffset - 1} are missing`
        : `the segment before it ends at ${endOffset}`;
      const next = await findBatch(files, segments.slice(at), 0, endOffset);
      const damage = { segment, position: 0, offset: endOffset, problem, next, isWhole: true };
      return { segments, endOffset, damage };
    }
    const scanned = await scanSegment(files, segment);
    endOffset = scanned.endOffset;
    if (scanned.problem === null) continue;
    const { position, problem } = scanned;
    const next = await findBatch(files, segments.slice(at), position + 1, endOffset);
    const isWhole = await isWholeAt(files, segment, position);
    const damage = { segment, position, offset: endOffset, problem, next, isWhole };
    return { segments, endOffset, damage };
  }
  return { segments, endOffset, damage: null };
}

async function scanSegment(
  files: OpenFiles,
  { path, baseOffset, sizeBytes }: SegmentFile,
): Promise<{ endOffset: number; position: number; problem: string | null }> {
  const file = new PooledFile(files, path);
  let endOffset = baseOffset;
  try {
    const range = { from: 0, end: sizeBytes };
    const scanned = await scanBatches(file, range, ({ header, buffer }) => {
      const { baseOffset: found } = header;
      if (found !== endOffset) return `offset ${found} stands where ${endOffset} should`;
      if (!isBatchCrcValid(buffer, header)) return 'a batch has a wrong CRC';
      endOffset = header.lastOffset + 1;
      return true;
    });
    return { ...scanned, endOffset };
  } finally {
    file.close();
  }
}

/** The first good batch in the segments, from a position in the first of them on. */
async function findBatch(
  files: OpenFiles,
  segments: readonly SegmentFile[],
  from: number,
  offsetMin: number,
): Promise<FoundBatch | 'unclear' | null> {
  for (const [index, segment] of segments.entries()) {
    const file = new PooledFile(files, segment.path);
    try {
      const { baseOffset, sizeBytes: end } = segment;
      const position = index === 0 ? from : 0;
      const found = await findBehind(file, { position, end, baseOffset, offsetMin, index: null });
      if (found === 'unclear') return found;
      if (found !== 'nothing') return { segment, ...found };
    } finally {
      file.close();
    }
  }
  return null;
}

/**
 * The first good batch from the wanted offset on, in a segment that is good up to the position and
 * the offset before it; null if good batches reach the end without one.
 */
export async function findBatchFrom(
  files: OpenFiles,
  segment: SegmentFile,
  good: { readonly position: number; readonly offset: number },
  wantedOffset: number,
): Promise<FoundBatch | 'unclear' | null> {
  const first = await findBatch(files, [segment], good.position, good.offset);
  if (first === null || first === 'unclear' || first.baseOffset >= wantedOffset) return first;
  const file = new PooledFile(files, segment.path);
  let found: FoundBatch | null = null;
  try {
    const range = { from: first.position, end: segment.sizeBytes };
    await scanBatches(file, range, ({ header: { baseOffset }, position }) => {
      if (baseOffset >= wantedOffset) found = { segment, position, baseOffset };
      return found === null;
    });
  } finally {
    file.close();
  }
  return found;
}

async function isWholeAt(
  files: OpenFiles,
  { path, sizeBytes }: SegmentFile,
  position: number,
): Promise<boolean> {
  const file = new PooledFile(files, path);
  try {
    const head = Buffer.alloc(LOG_OVERHEAD);
    await file.read(head, position);
    const size = batchSizeAt(head, 0) ?? 0;
    if (size < RECORD_BATCH_OVERHEAD || size > sizeBytes - position) return false;
    const bytes = Buffer.alloc(size);
    await file.read(bytes, position);
    return bytes.subarray(LOG_OVERHEAD).some((byte) => byte !== 0);
  } finally {
    file.close();
  }
}
