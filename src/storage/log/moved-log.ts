// The mark on a log of which a copy in another directory is about to take over: a small file in its
// folder that names the other directory's id. As long as that directory is not there, such a log
// must not be served: the copy may have records that were acknowledged since.

import type { Uuid } from '../../base/uuid.ts';
import type { Disk } from '../../io/index.ts';
import { replaceFile } from '../directory/checkpoint-file.ts';
import type { PartitionLog } from './partition-log.ts';

const MARK = 'moved-to';

type Marked = Pick<PartitionLog, 'directory'>;

/** Durable when it resolves. @throws IoError */
export async function markMoved(disk: Disk, log: Marked, directoryId: Uuid): Promise<void> {
  await replaceFile(disk, pathOfMark(log), Buffer.from(`${directoryId}\n`));
}

/** The id of the directory that may have more of the log; null if there is no mark. */
export function movedTo(disk: Disk, log: Marked): Uuid | null {
  return disk.readFile(pathOfMark(log))?.toString('utf8').trim() ?? null;
}

/** The path that an operator removes to have the log served as it is. */
export function pathOfMark(log: Marked): string {
  return `${log.directory}/${MARK}`;
}

/** @throws IoError */
export async function clearMoved(disk: Disk, log: Marked): Promise<void> {
  await disk.remove(pathOfMark(log));
}
