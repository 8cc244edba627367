// Makes everything of a log durable: batches, the indexes of segments that are complete, producer
// snapshots, leader epochs and the names in the folder. Index files and snapshots are written only
// here, so that an append writes nothing but its batches.

import { IoError } from '../io/index.ts';
import { epochCheckpointBytes, replaceFile } from './checkpoint-file.ts';
import { FlushPostponed } from './log-flusher.ts';
import { EPOCH_CHECKPOINT } from './log-loader.ts';
import type { LogState } from './log-state.ts';
import type { Segment } from './segment.ts';

/** @throws FlushPostponed when there is no room, and whatever a sync fails with */
export async function syncLog(log: LogState, recoveryPoint: number): Promise<void> {
  const { active, segments } = log;
  const behind = segments.filter(
    (segment, at) =>
      !segment.areIndexesDurable ||
      (segments[at + 1]?.baseOffset ?? Number.POSITIVE_INFINITY) > recoveryPoint,
  );
  for (const segment of behind) {
    if (segment.isGone) continue;
    if (segment === active) await segment.log.sync();
    else await syncComplete(segment);
  }
  await writeSmallFiles(log);
}

/**
 * Where the recovery point must stop: a start scans the segment that ends there. Batches of a
 * complete segment may be on disk while its indexes are not, as they are written later.
 */
export function scanFrom(log: LogState): number {
  const { segments } = log;
  const at = segments.findIndex((segment) => !segment.areIndexesDurable);
  return segments[at + 1]?.baseOffset ?? log.logEndOffset;
}

/** The same, and the active segment's indexes and the producers' state: a start scans nothing. */
export async function syncForClose(log: LogState, recoveryPoint: number): Promise<void> {
  await syncLog(log, recoveryPoint);
  // An empty segment says by its name where the log ends, and the roll took its snapshot: ten
  // thousand idle partitions would cost forty thousand syncs.
  if (log.active.sizeBytes === 0) {
    await postponedIfFull(() => log.active.writeIndexes());
    return;
  }
  log.snapshots.take(log.logEndOffset, log.producers.fullSnapshot());
  await syncComplete(log.active);
  await writeSmallFiles(log);
}

async function syncComplete(segment: Segment): Promise<void> {
  await postponedIfFull(() => segment.writeIndexes());
  // Retention may delete the segment in any of the pauses: then there is nothing left to sync.
  if (!segment.isGone) await segment.log.sync();
  if (!segment.isGone) await segment.syncIndexes();
}

async function writeSmallFiles(log: LogState): Promise<void> {
  const { disk } = log.io;
  if (await postponedIfFull(() => log.snapshots.write())) log.isDirectoryBehind = true;
  const { version, entries } = log.epochs;
  if (log.epochsOnDisk !== version && (version > 0 || log.epochsOnDisk >= 0)) {
    const path = `${log.directory}/${EPOCH_CHECKPOINT}`;
    await postponedIfFull(() => replaceFile(disk, path, epochCheckpointBytes(entries)));
    log.epochsOnDisk = version;
  }
  if (log.isDirectoryBehind) {
    log.isDirectoryBehind = false;
    await disk.syncDirectory(log.directory);
  }
}

async function postponedIfFull<T>(write: () => T | Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof IoError && error.code === 'ENOSPC') throw new FlushPostponed(error);
    throw error;
  }
}
