// What a start does with the folders that it finds in a log directory: the logs in them are opened,
// or what is nobody's is set aside, and what was being deleted is removed.
//
// Invariants: the checkpoint says what was found out of every log before anything is written to
// one; a power cut cannot take a folder any more whose creator was killed before it was durable.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { Io } from '../../io/index.ts';
import { inParallel } from '../files/in-parallel.ts';
import { isShortage } from '../files/shortage.ts';
import { defaultLogConfig, type LogConfig } from '../log/log-config.ts';
import type { BootNote } from '../recovery/boot-note.ts';
import type { LogFolders, OpenedLog } from './log-folders.ts';
import type { CheckpointedOffsets } from './offset-checkpoints.ts';
import {
  listFolders,
  type PartitionFolder,
  type PartitionName,
  parseFolderName,
  readTopicId,
  syncTopicId,
} from './partition-folder.ts';

/** What becomes of a folder at a start: it is opened with the configuration, or not opened. */
export type FolderFate = LogConfig | 'set aside' | 'delete';

export type FateOf = (name: PartitionName) => FolderFate | Promise<FolderFate>;

export interface FoundFoldersOptions {
  readonly wasCleanShutdown: boolean;
  readonly bootNote: BootNote;
  readonly fateOf: FateOf;
}

/** @returns the moves that the end of the process broke off */
export async function openFoundFolders(
  io: Io,
  folders: LogFolders,
  { wasCleanShutdown, bootNote, fateOf }: FoundFoldersOptions,
): Promise<readonly PartitionFolder[]> {
  const { disk } = io;
  const { path } = folders;
  const found = folders.checkpoints.find();
  const { hasSystemRunOn } = bootNote;
  const { folders: names, unfinished, removable } = listFolders(disk, path);
  for (const name of removable) await disk.remove(`${path}/${name}`);
  await inParallel(names, async (folder) => {
    const directory = `${path}/${folder}`;
    const topicId = readTopicId(disk, directory);
    const name = { ...(parseFolderName(folder) as PartitionFolder), topicId };
    const fate = await fateOf(name);
    if (fate === 'set aside') return await folders.setAside(name, 'no topic owns it');
    if (fate === 'delete') return await folders.remove(name, defaultLogConfig);
    const isCertain = wasCleanShutdown || topicId === ZERO_UUID;
    if (!isCertain) await syncTopicId(disk, directory);
    const offsets = { ...found.of(folder), wasCleanShutdown, hasSystemRunOn };
    await folders.open(name, fate, offsets).catch((error: unknown) => {
      found.onUnopened(name, directory, error);
    });
  });
  if (!wasCleanShutdown) await checkpointWhatDiffers(io, folders, found.recoveryPoints);
  if (!wasCleanShutdown && names.length > 0) await folders.syncEntries();
  if (found.unopened.length === 0) bootNote.write();
  return unfinished;
}

/**
 * Gaps that no checkpoint knew of were synced while the logs were opened (log-recovery.ts). Of a
 * log that ends before its recovery point, what is written next must not pass for synced.
 */
async function checkpointWhatDiffers(
  io: Io,
  { logs, checkpoints }: LogFolders,
  found: CheckpointedOffsets,
): Promise<void> {
  const differs = ([folder, { log }]: [string, OpenedLog]): boolean =>
    log.recoveryPoint !== (found.get(folder) ?? 0);
  if (![...logs].some(differs)) return;
  try {
    await checkpoints.writeOffsets();
  } catch (error) {
    if (!isShortage(error)) throw error;
    const because = (error as Error).message;
    io.log.warn('recovery points cannot be written yet', { because });
  }
}
