// Which whole segments a log may forget, and forgetting them: by age, by size, and what lies below
// the log's start. Never past the high watermark. Files are renamed at once and removed after
// file.delete.delay.ms, for readers that still hold them.

import { pushAll } from '../../base/push-all.ts';
import { IoError } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { Segment } from '../segment/segment.ts';
import type { LogState } from './log-state.ts';

/** Between two attempts at removing a file. */
const RETRY_MS = 60_000;

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

/**
 * The log starts at the offset from now on, and does so after a crash when this resolves: whoever
 * hears that records are gone must not see them again.
 *
 * @throws KafkaError OFFSET_OUT_OF_RANGE, IoError
 */
export async function deleteBefore(
  log: LogState,
  offset: number,
  options: { isCleaning: boolean; checkpoint: (() => Promise<void>) | undefined },
): Promise<void> {
  if (offset > log.logEndOffset) {
    throw new KafkaError('OFFSET_OUT_OF_RANGE', `the log ends at offset ${log.logEndOffset}`);
  }
  if (offset <= log.logStartOffset) return;
  log.logStartOffset = offset;
  log.isModified = true;
  log.epochs.truncateFromStart(offset);
  const count = countBelowStart(log);
  // What is being cleaned is retention's to delete, later.
  if (count > 0 && !options.isCleaning) await deleteSegments(log, count);
  await options.checkpoint?.();
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

/** After each segment files and memory agree, whatever becomes of the next one. */
async function deleteSegments(log: LogState, count: number): Promise<void> {
  const paths: string[] = [];
  try {
    for (let left = count; left > 0; left--) pushAll(paths, log.list.deleteFirst());
  } finally {
    if (paths.length > 0) removeLater(log, paths);
    const { baseOffset } = log.segments[0] as Segment;
    log.logStartOffset = Math.max(log.logStartOffset, baseOffset);
    log.epochs.truncateFromStart(log.logStartOffset);
    log.isModified = true;
    log.isDirectoryBehind = true;
  }
  await log.snapshots.removeBefore((log.segments[0] as Segment).baseOffset);
}

/** The files have their `.deleted` names. */
export function removeLater(log: LogState, paths: readonly string[]): void {
  planRemoval(log, paths, log.config.fileDeleteDelayMs);
}

function planRemoval(log: LogState, paths: readonly string[], delayMs: number): void {
  const timer = log.io.clock.after(delayMs, async () => {
    log.removals.delete(timer);
    const failed = await removeFiles(log, paths);
    if (failed.length > 0 && !log.active.isGone) planRemoval(log, failed, RETRY_MS);
  });
  log.removals.add(timer);
}

/** Those that cannot be removed yet; if the broker ends before, the next start removes them. */
async function removeFiles(log: LogState, paths: readonly string[]): Promise<string[]> {
  const failed: string[] = [];
  for (const path of paths) {
    try {
      await log.io.disk.remove(path);
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      const because = error.message;
      log.io.log.warn('a deleted segment file cannot be removed yet', { path, because });
      failed.push(path);
    }
  }
  return failed;
}
