// Reading a log's segment files: whole batches from an offset on in one large read, and lookups by
// timestamp. Where to start comes from the sparse indexes; batches are cut at their boundaries and
// never reach the upper bound.
//
// Invariant: what is returned was in the log for the whole time of the read. A truncation that
// comes in between makes the read start again.

import {
  type BatchHeader,
  batchSizeAt,
  eachRecord,
  isBatchCrcValid,
  KafkaError,
  RECORD_BATCH_OVERHEAD,
  readBatchHeader,
} from '../../protocol/index.ts';
import { type Behind, findBehind, walkAcross } from '../recovery/log-damage.ts';
import {
  COMMON_BYTES_MAX,
  isCrcValidInFile,
  offsetProblem,
  type ScannedBatch,
  scanBatches,
} from '../recovery/log-scan.ts';
import type { Segment, SegmentIndexes } from '../segment/segment.ts';
import type { AbortedTransactionEntry } from '../segment/transaction-index.ts';
import type { LogState } from './log-state.ts';

/** Read beyond what was asked for, as the index leads to a place before the offset. */
const SLACK_BYTES = 8192;
/** Behind damage a whole batch is looked for so far; more than the index leaves out. */
const SEARCH_BYTES_MAX = 64 * 1024 * 1024;

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface ReadOptions {
  /** No byte of a batch that reaches this offset is returned. */
  readonly upperBound: number;
  /** Return the first batch even if it alone is larger than bytesMax. */
  readonly atLeastOneBatch: boolean;
  /** For read_committed: list the aborted transactions that the returned range touches. */
  readonly abortedTransactions?: boolean;
}

export interface LogRead {
  /** Whole batches in offset order; the first one contains the offset asked for. */
  readonly buffers: Buffer[];
  readonly sizeBytes: number;
  /** Base offset of the first batch; the offset asked for if nothing is there. */
  readonly firstOffset: number;
  /** Offset after the last batch returned; the offset asked for if nothing is there. */
  readonly nextOffset: number;
  readonly abortedTransactions: AbortedTransaction[] | null;
}

type BatchRead = Omit<LogRead, 'abortedTransactions'>;

export interface BatchReadLimits {
  readonly bytesMax: number;
  readonly upperBound: number;
  readonly atLeastOneBatch: boolean;
}

interface BatchesWanted {
  readonly offset: number;
  readonly limits: BatchReadLimits;
}

export interface TimestampOffset {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/** The segment that has the offset; the first one for offsets before it. */
export function segmentOf(segments: readonly Segment[], offset: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((segments[middle] as Segment).baseOffset <= offset) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** At once if the batches are in memory. @throws KafkaError OFFSET_OUT_OF_RANGE, at once */
export function readLog(
  log: LogState,
  offset: number,
  limits: BatchReadLimits & { readonly abortedTransactions: boolean },
): LogRead | Promise<LogRead> {
  if (offset < log.logStartOffset || offset > log.logEndOffset) outOfRange(log, offset);
  const finish = (read: BatchRead): LogRead => ({
    buffers: read.buffers,
    sizeBytes: read.sizeBytes,
    firstOffset: read.firstOffset,
    nextOffset: read.nextOffset,
    abortedTransactions: limits.abortedTransactions
      ? abortedBetween(log, offset, read.nextOffset)
      : null,
  });
  if (offset >= limits.upperBound) {
    return finish({ buffers: [], sizeBytes: 0, firstOffset: offset, nextOffset: offset });
  }
  const recent = log.tail.read(offset, limits);
  if (recent !== null) return finish(recent);
  return readBatches(log, { offset, limits, finish });
}

function outOfRange({ directory, logStartOffset, logEndOffset }: LogState, offset: number): never {
  const name = directory.slice(directory.lastIndexOf('/') + 1);
  const what = `offset ${offset} of ${name} is not within ${logStartOffset} to ${logEndOffset}`;
  throw new KafkaError('OFFSET_OUT_OF_RANGE', what);
}

function abortedBetween(log: LogState, offset: number, upperBound: number): AbortedTransaction[] {
  return abortedEntriesBetween(log, offset, upperBound).map(({ producerId, firstOffset }) => {
    return { producerId, firstOffset };
  });
}

/** The aborted transactions that have batches or their marker in the range. */
export function abortedEntriesBetween(
  log: LogState,
  offset: number,
  upperBound: number,
): AbortedTransactionEntry[] {
  const found: AbortedTransactionEntry[] = [];
  for (let at = segmentOf(log.segments, offset); at < log.segments.length; at++) {
    for (const entry of (log.segments[at] as Segment).abortedTransactions()) {
      if (entry.lastOffset >= offset && entry.firstOffset < upperBound) found.push(entry);
      // Nothing before it was undecided: later entries are all behind the bound.
      if (entry.lastStableOffset >= upperBound) return found;
    }
  }
  return found;
}

async function readBatches(
  log: LogState,
  read: BatchesWanted & { readonly finish: (found: BatchRead) => LogRead },
): Promise<LogRead> {
  const { offset, finish } = read;
  const { generation } = log;
  const found = await steadily(log, async () => {
    for (let at = segmentOf(log.segments, offset); at < log.segments.length; ) {
      const segment = log.segments[at] as Segment;
      const batches = await readFrom(log, segment, read).catch((error: unknown) => {
        if (segment.isGone) return null;
        throw error;
      });
      // Another file may have its name by now, and the log knows no more which of its transactions
      // were aborted: what was read is not handed out.
      if (segment.isGone || log.generation !== generation) return null;
      if (batches !== null) return finish(batches);
      // Of the segments before it there may be fewer by now.
      at = log.segments.indexOf(segment) + 1;
    }
    return null;
  });
  // After a truncation, or a deletion, the offset may be gone: the caller checks it again.
  return found ?? finish({ buffers: [], sizeBytes: 0, firstOffset: offset, nextOffset: offset });
}

/**
 * Searches again if cleaned segments took the place of others meanwhile: what was not found may
 * have moved, and files that were to be read are gone.
 */
async function steadily<T>(log: LogState, search: () => Promise<T | null>): Promise<T | null> {
  for (;;) {
    const { replacements } = log;
    try {
      const found = await search();
      if (found !== null || log.replacements === replacements) return found;
    } catch (error) {
      if (log.replacements === replacements) throw error;
    }
  }
}

/** null when the segment has no batch that reaches the offset. */
async function readFrom(
  log: LogState,
  segment: Segment,
  wanted: BatchesWanted,
): Promise<BatchRead | null> {
  const { offset, limits } = wanted;
  const indexes = await loadIndexes(log, segment);
  let position = indexes.offsets.lookup(offset);
  let soundFrom = position;
  let bytesWanted = limits.bytesMax + SLACK_BYTES;
  for (;;) {
    const endBytes = segment.sizeBytes;
    if (position >= endBytes) return null;
    const buffer = Buffer.allocUnsafeSlow(
      Math.max(RECORD_BATCH_OVERHEAD, Math.min(bytesWanted, endBytes - position)),
    );
    const window = buffer.subarray(0, await segment.log.read(buffer, position));
    const { start, problem } = skipTo(window, offset);
    if (problem !== null || position + start > endBytes) {
      soundFrom = await passDamage(segment, soundFrom, offset);
      position = soundFrom;
      continue;
    }
    // Nothing of the batch wanted is in the window: go on behind what is.
    if (start > window.length - RECORD_BATCH_OVERHEAD) {
      if (start === 0) return null;
      position += start;
      continue;
    }
    const sizeBytes = batchSizeAt(window, start) as number;
    if (sizeBytes > window.length - start && limits.atLeastOneBatch) {
      const place = { position: position + start, offset };
      if (place.position + sizeBytes > endBytes) damaged(segment, place);
      await assertWorthReading(log, segment, place, readBatchHeader(window, start));
      position += start;
      bytesWanted = sizeBytes;
      continue;
    }
    const taken = takeBatches(window, start, wanted);
    // Nothing of a log reaches its end: a reader would wait for ever.
    const isBeyond = taken.sizeBytes === 0 && batchLastOffset(window, start) >= log.logEndOffset;
    if (isBeyond && limits.atLeastOneBatch)
      damaged(segment, { position: position + start, offset });
    return taken;
  }
}

/** Where the first batch that reaches the offset starts; behind the whole batches if none does. */
function skipTo(window: Buffer, offset: number): { start: number; problem: string | null } {
  let start = 0;
  try {
    while (window.length - start >= RECORD_BATCH_OVERHEAD) {
      const header = readBatchHeader(window, start);
      if (header.lastOffset >= offset) break;
      start += header.sizeBytes;
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { start, problem: error.message };
  }
  return { start, problem: null };
}

function batchLastOffset(window: Buffer, start: number): number {
  return readBatchHeader(window, start).lastOffset;
}

function takeBatches(window: Buffer, start: number, { offset, limits }: BatchesWanted): BatchRead {
  let end = start;
  let firstOffset = offset;
  let nextOffset = offset;
  try {
    while (window.length - end >= RECORD_BATCH_OVERHEAD) {
      const header = readBatchHeader(window, end);
      const batchEnd = end + header.sizeBytes;
      if (batchEnd > window.length || header.lastOffset >= limits.upperBound) break;
      // Out of order: for the read that begins there to tell.
      if (header.baseOffset < nextOffset && end > start) break;
      const isRequired = end === start && limits.atLeastOneBatch;
      if (batchEnd - start > limits.bytesMax && !isRequired) break;
      if (end === start) firstOffset = header.baseOffset;
      nextOffset = header.lastOffset + 1;
      end = batchEnd;
    }
  } catch (error) {
    // What is whole before the damage is delivered: the read that begins at it tells.
    if (!(error instanceof KafkaError) || end === start) throw error;
  }
  const buffers = end === start ? [] : [window.subarray(start, end)];
  return { buffers, sizeBytes: end - start, firstOffset, nextOffset };
}

/**
 * Where to read on for the offset, between which and the position there are damaged bytes.
 *
 * @throws KafkaError CORRUPT_MESSAGE if the offset is among them
 */
async function passDamage(segment: Segment, from: number, offset: number): Promise<number> {
  const { baseOffset } = segment;
  const { offsets: index } = segment.loadIndexes();
  // The batch that is wanted begins before the next place that the index knows.
  const reach = Math.min(segment.sizeBytes, from + SEARCH_BYTES_MAX);
  const end = Math.min(index.positionBehind(offset) ?? reach, reach);
  let offsetMin = baseOffset;
  const sound = await scanBatches(segment.log, { from, end }, ({ header, buffer }) => {
    const problem = offsetProblem(header, baseOffset, offsetMin);
    if (problem !== null) return problem;
    if (!isBatchCrcValid(buffer, header)) return 'its CRC is wrong';
    offsetMin = header.lastOffset + 1;
    return true;
  });
  const { position } = sound;
  if (position >= end) damaged(segment, { position, offset });
  const place = { position, end, baseOffset, offsetMin, index };
  const behind = await findBehind(segment.log, place);
  if (typeof behind !== 'object' || behind.baseOffset > offset) {
    damaged(segment, { position, offset }, behind);
  }
  return behind.position;
}

/** Memory for a batch beyond what the topic allows is taken only for one that is whole. */
async function assertWorthReading(
  log: LogState,
  segment: Segment,
  place: { position: number; offset: number },
  header: BatchHeader,
): Promise<void> {
  if (header.sizeBytes <= Math.max(log.config.messageBytesMax, COMMON_BYTES_MAX)) return;
  if (await isCrcValidInFile(segment.log, place.position, header)) return;
  damaged(segment, place);
}

function damaged(
  segment: Segment,
  { position, offset }: { position: number; offset: number },
  behind: Behind = 'unclear',
): never {
  const next = typeof behind === 'object' ? `; the next whole one is at ${behind.baseOffset}` : '';
  throw new KafkaError(
    'CORRUPT_MESSAGE',
    `${segment.log.path} has no whole record batch for offset ${offset} ` +
      `at position ${position}${next}`,
  );
}

/** Rebuilds indexes whose files are missing or damaged. */
async function loadIndexes(log: LogState, segment: Segment): Promise<SegmentIndexes> {
  const indexes = segment.areIndexesLoaded ? segment.loadIndexes() : segment.tryLoadIndexes();
  if (indexes !== null) return indexes;
  segment.beginRebuild();
  await walkAcross(
    segment,
    { from: 0, end: segment.sizeBytes },
    ({ header, position }, isBehind) => {
      // A lookup must not have to pass the damage.
      const indexIntervalBytes = isBehind ? -1 : log.config.indexIntervalBytes;
      segment.indexScanned(header, position, { ...log.config, indexIntervalBytes });
      return true;
    },
  );
  if (!segment.isGone) segment.writeIndexes();
  return segment.loadIndexes();
}

/** The first record, in offset order, whose timestamp is not before the one given. */
export function findByTimestamp(log: LogState, timestamp: number): Promise<TimestampOffset | null> {
  return steadily(log, () => searchByTimestamp(log, timestamp));
}

async function searchByTimestamp(
  log: LogState,
  timestamp: number,
): Promise<TimestampOffset | null> {
  const { replacements } = log;
  for (const segment of [...log.segments]) {
    if (log.replacements !== replacements) return null;
    if (segment.isGone) continue;
    const { offsets, times } = await loadIndexes(log, segment);
    if (segment.maxTimestamp.timestamp < timestamp) continue;
    const from = offsets.lookup(Math.max(times.lookup(timestamp), log.logStartOffset));
    const found = await findRecord(log, segment, {
      from,
      isWanted: (record) => record.timestamp >= timestamp,
      mayHave: ({ header }) => header.maxTimestamp >= timestamp,
    });
    if (found !== null && !segment.isGone) return found;
  }
  return null;
}

/** The first record that has the largest timestamp of the log. */
export function findMaxTimestamp(log: LogState): Promise<TimestampOffset | null> {
  return steadily(log, () => searchMaxTimestamp(log));
}

async function searchMaxTimestamp(log: LogState): Promise<TimestampOffset | null> {
  const { replacements } = log;
  let latest: Segment | null = null;
  for (const segment of [...log.segments]) {
    if (log.replacements !== replacements) return null;
    if (segment.isGone) continue;
    await loadIndexes(log, segment);
    if (latest === null || segment.maxTimestamp.timestamp > latest.maxTimestamp.timestamp) {
      latest = segment;
    }
  }
  if (latest === null || latest.maxTimestamp.timestamp < 0) return null;
  const { timestamp, offset } = latest.maxTimestamp;
  const { offsets } = await loadIndexes(log, latest);
  const found = await findRecord(log, latest, {
    from: offsets.lookup(offset),
    isWanted: (record) => record.timestamp === timestamp,
    mayHave: ({ header }) => header.maxTimestamp >= timestamp,
  });
  return latest.isGone ? null : found;
}

async function findRecord(
  log: LogState,
  segment: Segment,
  search: {
    from: number;
    isWanted: (record: { timestamp: number }) => boolean;
    mayHave: (batch: ScannedBatch) => boolean;
  },
): Promise<TimestampOffset | null> {
  let found: TimestampOffset | null = null;
  const range = { from: search.from, end: segment.sizeBytes };
  await walkAcross(segment, range, (batch) => {
    const { header, buffer } = batch;
    if (!search.mayHave(batch) || header.lastOffset < log.logStartOffset) return true;
    const { partitionLeaderEpoch: leaderEpoch } = header;
    try {
      for (const record of eachRecord(buffer, header)) {
        if (record.offset < log.logStartOffset || !search.isWanted(record)) continue;
        found = { offset: record.offset, timestamp: record.timestamp, leaderEpoch };
        return false;
      }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      // Nobody can say which of its records it is: with the first of them none is missed.
      const offset = Math.max(header.baseOffset, log.logStartOffset);
      found = { offset, timestamp: header.maxTimestamp, leaderEpoch };
      return false;
    }
    return true;
  });
  return found;
}

/**
 * Where the first batch that reaches the offset starts, and its base offset; where the log is
 * damaged before that, what it can be cut back to.
 */
export async function positionOf(
  log: LogState,
  segment: Segment,
  offset: number,
): Promise<BatchPlace | null> {
  const { offsets } = await loadIndexes(log, segment);
  const found = await searchPosition(segment, offsets.lookup(offset), offset);
  // What the index led to is damaged: what is before it tells.
  return found === 'unknown' ? await wholePosition(segment, offset) : found;
}

interface BatchPlace {
  readonly position: number;
  readonly baseOffset: number;
}

async function wholePosition(segment: Segment, offset: number): Promise<BatchPlace | null> {
  const found = await searchPosition(segment, 0, offset);
  return found === 'unknown' ? { position: 0, baseOffset: segment.baseOffset } : found;
}

async function searchPosition(
  segment: Segment,
  from: number,
  offset: number,
): Promise<BatchPlace | null | 'unknown'> {
  let found: BatchPlace | 'unknown' | null = null;
  let end: BatchPlace | 'unknown' = 'unknown';
  const range = { from, end: segment.sizeBytes };
  const scanned = await walkAcross(segment, range, ({ header, position }, isBehind) => {
    if (isBehind && header.baseOffset > offset) found = end;
    else if (header.lastOffset >= offset) found = { position, baseOffset: header.baseOffset };
    end = { position: position + header.sizeBytes, baseOffset: header.lastOffset + 1 };
    return found === null;
  });
  // Nothing whole reaches the offset, but there are bytes: they are damaged.
  return found === null && scanned.position < segment.sizeBytes ? end : found;
}
