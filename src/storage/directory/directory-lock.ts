// The lock of a log directory: one broker at a time, ours or Kafka's. It goes with its process.

import { type DiskLock, type Io, IoError } from '../../io/index.ts';
import { LogDirectoryError, refusedDirectory } from './log-directory-error.ts';

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
