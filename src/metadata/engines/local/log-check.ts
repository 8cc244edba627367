// The metadata log is looked through before it is opened: opening cuts a log at the first bytes
// that are no batch, and in a log whose every record was synced before anybody was told of it, that
// is right for one thing only: what a crash left of a write that nobody was told of.
//
// Invariant: nothing here changes a file.

import type { Disk } from '../../../io/index.ts';
import {
  batchSizeAt,
  isBatchCrcValid,
  KafkaError,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  readBatchHeader,
} from '../../../protocol/index.ts';
import { type OpenFiles, PooledFile, scanBatches } from '../../../storage/index.ts';

const WINDOW_BYTES = 1024 * 1024;
const MAGIC_AT = 16;

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
  /** The first good batch behind it: a torn write has none. */
  readonly next: FoundBatch | null;
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
export async function findBatch(
  files: OpenFiles,
  segments: readonly SegmentFile[],
  from: number,
  offsetMin: number,
): Promise<FoundBatch | null> {
  for (const [index, segment] of segments.entries()) {
    const file = new PooledFile(files, segment.path);
    try {
      const start = index === 0 ? from : 0;
      const found = await findInFile(file, { start, end: segment.sizeBytes, offsetMin });
      if (found !== null) return { segment, ...found };
    } finally {
      file.close();
    }
  }
  return null;
}

async function findInFile(
  file: PooledFile,
  range: { start: number; end: number; offsetMin: number },
): Promise<{ position: number; baseOffset: number } | null> {
  const buffer = Buffer.allocUnsafe(WINDOW_BYTES);
  let at = range.start;
  while (range.end - at >= RECORD_BATCH_OVERHEAD) {
    const wanted = Math.min(buffer.length, range.end - at);
    const window = buffer.subarray(0, await file.read(buffer.subarray(0, wanted), at));
    for (let p = 0; p + RECORD_BATCH_OVERHEAD <= window.length; p++) {
      // No offset has bits up there: most bytes are told from a batch without reading on.
      if (window[p + MAGIC_AT] !== 2 || window.readUInt16BE(p) !== 0) continue;
      const sizeBytes = batchSizeAt(window, p) ?? 0;
      if (sizeBytes < RECORD_BATCH_OVERHEAD || sizeBytes > range.end - at - p) continue;
      const whole = Buffer.allocUnsafe(sizeBytes);
      await file.read(whole, at + p);
      const baseOffset = goodBatchAt(whole);
      if (baseOffset === null || baseOffset < range.offsetMin) continue;
      return { position: at + p, baseOffset };
    }
    if (window.length < RECORD_BATCH_OVERHEAD) return null;
    at += window.length - RECORD_BATCH_OVERHEAD + 1;
  }
  return null;
}

/** Its base offset, if the bytes are a batch that can be read. */
function goodBatchAt(bytes: Buffer): number | null {
  try {
    const header = readBatchHeader(bytes, 0);
    return isBatchCrcValid(bytes, header) ? header.baseOffset : null;
  } catch (error) {
    if (error instanceof KafkaError) return null;
    throw error;
  }
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
