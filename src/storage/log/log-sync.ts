// Makes everything of a log durable: batches, the indexes of segments that are complete, producer
// snapshots, leader epochs and the names in the folder. Index files and snapshots are written only
// here, so that an append writes nothing but its batches.

import { epochCheckpointBytes, replaceFile } from '../directory/checkpoint-file.ts';
import { isFull, isShortOfDescriptors } from '../files/shortage.ts';
import { parentOf } from '../files/shortages.ts';
import { EPOCH_CHECKPOINT } from '../recovery/log-loader.ts';
import type { Segment } from '../segment/segment.ts';
import { FlushPostponed } from './log-flusher.ts';
import type { LogState } from './log-state.ts';

/** @throws FlushPostponed when there is no room or descriptor, and whatever a sync fails with */
export async function syncLog(log: LogState, recoveryPoint: number): Promise<void> {
  await postponedIfShort(log, () => syncBatches(log, recoveryPoint));
}

async function syncBatches(log: LogState, recoveryPoint: number): Promise<void> {
  const { active, segments } = log;
  const behind = segments.filter(
    (segment, at) =>
      !segment.areIndexesDurable ||
      (segments[at + 1]?.baseOffset ?? Number.POSITIVE_INFINITY) > recoveryPoint,
  );
  for (const segment of behind) {
    if (segment.isGone) continue;
    if (segment === active) await segment.log.sync();
    else await syncComplete(log, segment);
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
  await postponedIfShort(log, () => syncToTheEnd(log, recoveryPoint));
}

async function syncToTheEnd(log: LogState, recoveryPoint: number): Promise<void> {
  await syncLog(log, recoveryPoint);
  // An empty segment says by its name where the log ends, and the roll took its snapshot: ten
  // thousand idle partitions would cost forty thousand syncs.
  if (log.active.sizeBytes === 0) {
    await postponedIfFull(log, () => log.active.writeIndexes());
    return;
  }
  log.snapshots.take(log.logEndOffset, log.producers.fullSnapshot());
  await syncComplete(log, log.active);
  await writeSmallFiles(log);
}

async function syncComplete(log: LogState, segment: Segment): Promise<void> {
  await postponedIfFull(log, () => segment.writeIndexes());
  // Retention may delete the segment in any of the pauses: then there is nothing left to sync.
  if (!segment.isGone) await segment.log.sync();
  if (!segment.isGone) await segment.syncIndexes();
}

async function writeSmallFiles(log: LogState): Promise<void> {
  const { disk } = log.io;
  // A sync that took long may end when the folder is of another log.
  if (log.isAbandoned) return;
  if (await postponedIfFull(log, () => log.snapshots.write())) log.isDirectoryBehind = true;
  if (log.isAbandoned) return;
  const { version, entries } = log.epochs;
  if (log.epochsOnDisk !== version && (version > 0 || log.epochsOnDisk >= 0)) {
    const path = `${log.directory}/${EPOCH_CHECKPOINT}`;
    await postponedIfFull(log, () => replaceFile(disk, path, epochCheckpointBytes(entries)));
    log.epochsOnDisk = version;
  }
  if (log.isDirectoryBehind) {
    log.isDirectoryBehind = false;
    try {
      await disk.syncDirectory(log.directory);
    } catch (error) {
      log.isDirectoryBehind = true;
      throw error;
    }
  }
}

async function postponedIfFull<T>(log: LogState, write: () => T | Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (isFull(error)) throw postponed(log, error);
    throw error;
  }
}

/** No file was opened to be synced, so that no sync has failed. */
async function postponedIfShort(log: LogState, sync: () => Promise<void>): Promise<void> {
  try {
    await sync();
  } catch (error) {
    if (isShortOfDescriptors(error)) throw postponed(log, error);
    throw error;
  }
}

function postponed(log: LogState, error: unknown): FlushPostponed {
  log.resources.shortages.onRefused(parentOf(log.directory), error);
  return new FlushPostponed(error as Error);
}
