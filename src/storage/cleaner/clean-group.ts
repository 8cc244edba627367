// Which segments are cleaned together, and how: what is kept of a group of them is written into
// one new segment, under names that are nobody's (`.cleaned`), which takes the place of the group.

import type { Io } from '../../io/index.ts';
import { type BatchHeader, KafkaError, readBatchHeader } from '../../protocol/index.ts';
import type { LogConfig } from '../log/log-config.ts';
import { abortedEntriesBetween } from '../log/log-reads.ts';
import type { LogState } from '../log/log-state.ts';
import { CLEANED_SUFFIX } from '../segment/log-files.ts';
import { createSegment } from '../segment/open-segment.ts';
import type { Segment } from '../segment/segment.ts';
import type { CleaningPace } from './cleaning-pace.ts';
import { type ReadBuffer, readSegment } from './read-segment.ts';
import { discardCleaned, replaceSegments } from './replace-segments.ts';
import {
  type ActiveProducers,
  type CleaningRules,
  type KeptBatch,
  keptOf,
} from './retention-rules.ts';

const INT32_MAX = 0x7fff_ffff;

export interface CleaningWork {
  readonly io: Io;
  readonly log: LogState;
  readonly pace: CleaningPace;
  readonly buffer: ReadBuffer;
  readonly rules: CleaningRules;
  /** All of them, also of batches that were cleaned before: their sequence numbers must stay. */
  readonly producers: ActiveProducers;
  readonly counts: CleaningCounts;
}

export interface CleaningCounts {
  bytesRead: number;
  bytesWritten: number;
  recordsRead: number;
  recordsKept: number;
  /** Removed because they have no key. */
  recordsKeyless: number;
  /** Kept as they are because their records cannot be read. */
  batchesUnreadable: number;
  firstUnreadable: UnreadableBatch | null;
}

export interface UnreadableBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly because: string;
}

/**
 * Which segments are cleaned into one: neighbours that fit into a segment together, so that the
 * small ones that cleaning leaves do not pile up. `endOffset` is where the last one ends at most.
 */
export function groupSegments(
  segments: readonly Segment[],
  config: Pick<LogConfig, 'segmentBytesMax' | 'indexBytesMax'>,
  endOffset: number,
): Segment[][] {
  const groups: Segment[][] = [];
  let room = { logBytes: 0, offsetBytes: 0, timeBytes: 0 };
  for (const [at, segment] of segments.entries()) {
    const { offsets, times } = segment.loadIndexes();
    const group = groups.at(-1);
    const lastOffset = (segments[at + 1]?.baseOffset ?? endOffset) - 1;
    const fits =
      group !== undefined &&
      segment.sizeBytes <= room.logBytes &&
      offsets.sizeBytes <= room.offsetBytes &&
      times.sizeBytes <= room.timeBytes &&
      // An index has 32 bits for an offset; a segment without batches needs no entry.
      (segment.sizeBytes === 0 || lastOffset - (group[0] as Segment).baseOffset <= INT32_MAX);
    if (fits) group.push(segment);
    else {
      groups.push([segment]);
      const { segmentBytesMax, indexBytesMax } = config;
      room = { logBytes: segmentBytesMax, offsetBytes: indexBytesMax, timeBytes: indexBytesMax };
    }
    room.logBytes -= segment.sizeBytes;
    room.offsetBytes -= offsets.sizeBytes;
    room.timeBytes -= times.sizeBytes;
  }
  return groups;
}

export async function cleanGroup(work: CleaningWork, group: readonly Segment[]): Promise<void> {
  const { io, log } = work;
  const cleaned = createSegment(io, log, (group[0] as Segment).baseOffset, CLEANED_SUFFIX);
  log.cleaned = cleaned;
  try {
    await fill(cleaned, work, group).catch(async (error: unknown) => {
      await discardCleaned(log, cleaned, group);
      throw error;
    });
    await replaceSegments(log, group, cleaned);
  } finally {
    log.cleaned = null;
  }
}

async function fill(
  cleaned: Segment,
  work: CleaningWork,
  group: readonly Segment[],
): Promise<void> {
  const { log, pace, rules } = work;
  for (const source of group) {
    const next = log.segments[log.segments.indexOf(source) + 1] as Segment;
    const aborted = abortedEntriesBetween(log, source.baseOffset, next.baseOffset);
    rules.transactions.announce(aborted);
    await rewriteInto(cleaned, source, work);
    pace.assertGoing();
  }
  cleaned.addAborted(rules.transactions.takeIndexed());
  cleaned.writeIndexes();
  await cleaned.log.sync();
  await cleaned.syncIndexes();
  pace.assertGoing();
  // It may know of a transaction as open whose marker goes now, and would keep it open after a
  // recovery from there; what is before it and the cleaned batches say all that is true.
  await log.snapshots.removeAt([(group[0] as Segment).baseOffset]);
  pace.assertGoing();
}

async function rewriteInto(cleaned: Segment, source: Segment, work: CleaningWork): Promise<void> {
  const { log, rules, counts, producers } = work;
  let kept: Buffer[] = [];
  const flush = (): number => {
    if (kept.length === 0) return 0;
    const chunk = kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept);
    kept = [];
    if (cleaned.sizeBytes + chunk.length > INT32_MAX) {
      const what = `${source.directory} compresses worse than before`;
      throw new KafkaError('RECORD_LIST_TOO_LARGE', `${what}: it does not fit one segment`);
    }
    cleaned.append(chunk, headersOf(chunk), log.config);
    counts.bytesWritten += chunk.length;
    return chunk.length;
  };
  counts.bytesRead += source.sizeBytes;
  await readSegment(source, { position: 0, buffer: work.buffer }, work.pace, {
    onBatch: (buffer, header) => {
      const { bytes, ...found } = keptOf(buffer, header, rules, producers);
      count(counts, header, found);
      if (bytes !== null) kept.push(bytes);
      return true;
    },
    onWindowEnd: flush,
  });
}

function count(
  counts: CleaningCounts,
  { baseOffset, lastOffset, ...header }: BatchHeader,
  { recordCount, keylessCount, unreadable }: Omit<KeptBatch, 'bytes'>,
): void {
  counts.recordsRead += header.recordCount;
  counts.recordsKept += recordCount;
  counts.recordsKeyless += keylessCount;
  if (unreadable === undefined) return;
  counts.batchesUnreadable++;
  counts.firstUnreadable ??= { baseOffset, lastOffset, because: unreadable };
}

function headersOf(chunk: Buffer): BatchHeader[] {
  const headers: BatchHeader[] = [];
  for (let at = 0; at < chunk.length; ) {
    const header = readBatchHeader(chunk, at);
    headers.push(header);
    at += header.sizeBytes;
  }
  return headers;
}
