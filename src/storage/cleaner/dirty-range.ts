// Which part of a log a cleaning may look at, and how badly the log needs one. Kafka's rules: what
// was appended since the last cleaning is dirty; nothing is touched from the first open or not yet
// replicated transaction on, nor the segment that is written to, nor segments that are younger
// than min.compaction.lag.ms.

import type { LogState } from '../log/log-state.ts';
import type { Segment } from '../segment/segment.ts';

export interface DirtyRange {
  readonly firstDirtyOffset: number;
  /** The base offset of a segment. */
  readonly firstUncleanableOffset: number;
  /** Of segments that begin before the dirty part. */
  readonly cleanBytes: number;
  readonly cleanableBytes: number;
  /** Share of the dirty bytes among all that a cleaning would read; 0 for an empty log. */
  readonly ratio: number;
  /** A dirty record waits longer than max.compaction.lag.ms. */
  readonly isOverdue: boolean;
}

export interface DirtyBounds {
  readonly nowMs: number;
  /** First offset of the oldest undecided transaction, else the high watermark. */
  readonly lastStableOffset: number;
}

export function dirtyRangeOf(log: LogState, bounds: DirtyBounds): DirtyRange {
  const firstDirtyOffset = firstDirtyOffsetOf(log);
  const limit = Math.max(firstDirtyOffset, uncleanableFrom(log, firstDirtyOffset, bounds));
  const inactive = log.segments.slice(0, -1);
  const firstUncleanable = inactive.find((_, at) => endOffsetOf(log, at) > limit) ?? log.active;
  const firstUncleanableOffset = firstUncleanable.baseOffset;
  let cleanBytes = 0;
  let cleanableBytes = 0;
  for (const [at, { baseOffset, sizeBytes }] of log.segments.entries()) {
    if (baseOffset < firstDirtyOffset) cleanBytes += sizeBytes;
    const isDirty = endOffsetOf(log, at) > firstDirtyOffset;
    if (isDirty && baseOffset < firstUncleanableOffset) cleanableBytes += sizeBytes;
  }
  const totalBytes = cleanBytes + cleanableBytes;
  return {
    firstDirtyOffset,
    firstUncleanableOffset,
    cleanBytes,
    cleanableBytes,
    ratio: totalBytes === 0 ? 0 : cleanableBytes / totalBytes,
    isOverdue: isOverdue(log, firstDirtyOffset, bounds.nowMs),
  };
}

/** A checkpoint outside of the log says nothing: then all of it is dirty. */
function firstDirtyOffsetOf(log: LogState): number {
  const { cleanedTo, logStartOffset, logEndOffset } = log;
  if (cleanedTo === null || cleanedTo < logStartOffset) return logStartOffset;
  return cleanedTo > logEndOffset ? logStartOffset : cleanedTo;
}

function uncleanableFrom(log: LogState, firstDirtyOffset: number, bounds: DirtyBounds): number {
  const { minCompactionLagMs } = log.config;
  const limit = Math.min(bounds.lastStableOffset, log.active.baseOffset);
  if (minCompactionLagMs <= 0) return limit;
  const youngestMs = bounds.nowMs - minCompactionLagMs;
  const young = dirtySegments(log, firstDirtyOffset).find((segment) => {
    return segment.maxTimestamp.timestamp > youngestMs;
  });
  return Math.min(limit, young?.baseOffset ?? limit);
}

function isOverdue(log: LogState, firstDirtyOffset: number, nowMs: number): boolean {
  const dueMs = nowMs - log.config.maxCompactionLagMs;
  if (dueMs <= 0) return false;
  return dirtySegments(log, firstDirtyOffset).some((segment) => {
    const firstMs = segment.loadFirstTimestamp();
    return firstMs > 0 && firstMs < dueMs;
  });
}

/** Those that are not written to any more. */
function dirtySegments(log: LogState, firstDirtyOffset: number): Segment[] {
  return log.segments.slice(0, -1).filter((_, at) => endOffsetOf(log, at) > firstDirtyOffset);
}

function endOffsetOf(log: LogState, at: number): number {
  return log.segments[at + 1]?.baseOffset ?? log.logEndOffset;
}
