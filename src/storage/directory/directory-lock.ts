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

/** Whether it was there; that it is gone is durable when this resolves. */
export async function takeCleanMark(disk: Disk, directory: string): Promise<boolean> {
  const path = `${directory}/${CLEAN_SHUTDOWN}`;
  if (disk.readFile(path) === null) return false;
  await disk.remove(path);
  await disk.syncDirectory(directory);
  return true;
}

/** Every log of the directory is complete on the disk. */
export async function leaveCleanMark(disk: Disk, directory: string): Promise<void> {
  const mark = Buffer.from('{"version":0,"brokerEpoch":-1}');
  await replaceFile(disk, `${directory}/${CLEAN_SHUTDOWN}`, mark);
}
