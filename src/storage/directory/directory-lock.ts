// Who uses a log directory, and how whoever used it before has left it: the lock, for one broker at
// a time, ours or Kafka's, which goes with its process; and the mark of a clean stop, which a start
// takes away, so that it speaks of the last stop and of no other.

import { type Disk, type DiskLock, type Io, IoError } from '../../io/index.ts';
import { replaceFile } from './checkpoint-file.ts';
import { LogDirectoryError, refusedDirectory } from './log-directory-error.ts';

const CLEAN_SHUTDOWN = '.kafka_cleanshutdown';

/** @throws LogDirectoryError */
export function lockDirectory(io: Io, path: string): DiskLock {
  let lock: DiskLock | null;
  try {
    io.disk.makeDirectory(path);
    lock = io.disk.lock(`${path}/.lock`);
  } catch (error) {
    throw error instanceof IoError ? refusedDirectory(path, error) : error;
  }
  if (lock !== null) return lock;
  throw new LogDirectoryError(
    path,
    `log directory ${path} is in use by another broker: stop it, or use another log.dirs`,
  );
}

/** What the mark of a clean stop says. */
export interface CleanMark {
  /** Under which the life that ended was registered (KIP-966); -1: it does not say. */
  readonly brokerEpoch: number;
}

/** null if there was none; that it is gone is durable when this resolves. */
export async function takeCleanMark(disk: Disk, directory: string): Promise<CleanMark | null> {
  const path = `${directory}/${CLEAN_SHUTDOWN}`;
  const content = disk.readFile(path);
  if (content === null) return null;
  await disk.remove(path);
  await disk.syncDirectory(directory);
  return { brokerEpoch: brokerEpochIn(content.toString('utf8')) };
}

/** Kafka before 3.7 leaves an empty file. */
function brokerEpochIn(text: string): number {
  try {
    const epoch: unknown = (JSON.parse(text) as { brokerEpoch?: unknown } | null)?.brokerEpoch;
    return typeof epoch === 'number' && Number.isSafeInteger(epoch) ? epoch : -1;
  } catch {
    return -1;
  }
}

/** Every log of the directory is complete on the disk. */
export async function leaveCleanMark(
  disk: Disk,
  directory: string,
  { brokerEpoch }: CleanMark,
): Promise<void> {
  const mark = Buffer.from(JSON.stringify({ version: 0, brokerEpoch }));
  await replaceFile(disk, `${directory}/${CLEAN_SHUTDOWN}`, mark);
}

/**
 * The mark of a broker on its own says no epoch: it says the one of its registration from now on.
 * Without a mark, or with one that says an epoch, nothing is changed.
 */
export async function nameBrokerEpoch(
  disk: Disk,
  directory: string,
  brokerEpoch: number,
): Promise<void> {
  const content = disk.readFile(`${directory}/${CLEAN_SHUTDOWN}`);
  if (content === null || brokerEpochIn(content.toString('utf8')) !== -1) return;
  await leaveCleanMark(disk, directory, { brokerEpoch });
}
