// Which whole segments a log may forget, and forgetting them: by age, by size, and what lies below
// the log's start. Never past the high watermark. Files are renamed at once and removed after
// file.delete.delay.ms, for readers that still hold them.

import type { LogState } from './log-state.ts';
import type { Segment } from './segment.ts';

/** Deletes what retention allows; returns the number of segments. `roll` starts a new segment. */
export async function retainLog(
  log: LogState,
  bounds: { nowMs: number; highWatermark: number },
  roll: () => void,
): Promise<number> {
  const deletes = log.config.cleanupPolicy.includes('delete');
  let count = countBelowStart(log);
  if (deletes) count = Math.max(count, countExpired(log, bounds), countOversize(log, bounds));
  if (count === 0) return 0;
  if (count === log.segments.length) roll();
  await deleteSegments(log, count);
  return count;
}

/** A log that keeps only what is not before its start offset. */
export async function deleteBelowStart(log: LogState): Promise<number> {
  const count = countBelowStart(log);
  if (count > 0) await deleteSegments(log, count);
  return count;
}

function endOffsetOf(log: LogState, at: number): number {
  return log.segments[at + 1]?.baseOffset ?? log.logEndOffset;
}

function countBelowStart(log: LogState): number {
  let count = 0;
  while (count < log.segments.length - 1 && endOffsetOf(log, count) <= log.logStartOffset) count++;
  return count;
}

function countExpired(
  log: LogState,
  { nowMs, highWatermark }: { nowMs: number; highWatermark: number },
): number {
  const { retentionMs } = log.config;
  if (retentionMs < 0) return 0;
  let count = 0;
  for (const [at, segment] of log.segments.entries()) {
    if (endOffsetOf(log, at) > highWatermark || isEmptyLast(log, at)) break;
    if (nowMs - largestTimestamp(log, segment) <= retentionMs) break;
    count++;
  }
  return count;
}

function countOversize(log: LogState, { highWatermark }: { highWatermark: number }): number {
  const { retentionBytes } = log.config;
  if (retentionBytes < 0) return 0;
  let excessBytes = log.segments.reduce((sum, each) => sum + each.sizeBytes, -retentionBytes);
  let count = 0;
  for (const [at, segment] of log.segments.entries()) {
    if (endOffsetOf(log, at) > highWatermark || isEmptyLast(log, at)) break;
    if (excessBytes < segment.sizeBytes || excessBytes === 0) break;
    excessBytes -= segment.sizeBytes;
    count++;
  }
  return count;
}

function isEmptyLast(log: LogState, at: number): boolean {
  return at === log.segments.length - 1 && (log.segments[at] as Segment).sizeBytes === 0;
}

/** The time of its last change for a segment whose records have no timestamps. */
function largestTimestamp(log: LogState, segment: Segment): number {
  const { timestamp } = segment.maxTimestamp;
  if (timestamp >= 0) return timestamp;
  return log.io.disk.stat(segment.log.path)?.modifiedMs ?? log.io.clock.now();
}

async function deleteSegments(log: LogState, count: number): Promise<void> {
  const removed = log.segments.splice(0, count);
  const first = log.segments[0] as Segment;
  log.logStartOffset = Math.max(log.logStartOffset, first.baseOffset);
  log.epochs.truncateFromStart(log.logStartOffset);
  log.isModified = true;
  log.isDirectoryBehind = true;
  removeLater(
    log,
    removed.flatMap((segment) => segment.markDeleted()),
  );
  await log.snapshots.removeBefore(first.baseOffset);
}

/** The files have their `.deleted` names. */
export function removeLater(log: LogState, paths: readonly string[]): void {
  const timer = log.io.clock.after(log.config.fileDeleteDelayMs, () => {
    log.removals.delete(timer);
    void removeFiles(log, paths);
  });
  log.removals.add(timer);
}

async function removeFiles(log: LogState, paths: readonly string[]): Promise<void> {
  const { disk, log: journal } = log.io;
  for (const path of paths) {
    try {
      await disk.remove(path);
    } catch (error) {
      // They have their `.deleted` names: the next start removes them.
      journal.warn('a deleted segment file cannot be removed yet', { path, error });
    }
  }
}
