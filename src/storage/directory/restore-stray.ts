// Listing what was set aside, and taking a log back: a stray folder gets the place of the topic's
// partition as it is now, with that topic's id. For a tool, while no broker has the directories.
//
// Invariants: nothing is removed but a log without records; interrupted at any point, what was set
// aside is still there, under its own name or the partition's; the log that is taken back is
// looked through from its beginning by the next start.

import { type Uuid, ZERO_UUID } from '../../base/uuid.ts';
import type { Disk, Io } from '../../io/index.ts';
import { LOG_SUFFIX, parseLogFileName } from '../segment/log-files.ts';
import { offsetCheckpointBytes, readOffsetCheckpoint, replaceFile } from './checkpoint-file.ts';
import { lockDirectory } from './directory-lock.ts';
import { LogDirectoryError } from './log-directory-error.ts';
import {
  deleteFolderName,
  folderName,
  type PartitionFolder,
  readTopicId,
  writeTopicId,
} from './partition-folder.ts';
import { parseStrayFolderName, setFolderAside } from './stray-folders.ts';

/** Each names an offset of the log that had the partition's name before. */
const checkpoints = [
  'recovery-point-offset-checkpoint',
  'replication-offset-checkpoint',
  'log-start-offset-checkpoint',
  'cleaner-offset-checkpoint',
];
const METADATA_TOPIC = '__cluster_metadata';

export interface StrayLog extends PartitionFolder {
  /** The log directory. */
  readonly directory: string;
  readonly name: string;
  /** ZERO_UUID when it does not say. */
  readonly topicId: Uuid;
  readonly segmentCount: number;
  readonly sizeBytes: number;
  /** Of the first segment; null without one. */
  readonly baseOffset: number | null;
}

export function listStrays(disk: Disk, directories: readonly string[]): StrayLog[] {
  const strays: StrayLog[] = [];
  for (const directory of directories) {
    for (const { name, isDirectory } of disk.list(directory)) {
      const folder = isDirectory ? parseStrayFolderName(name) : null;
      if (folder === null) continue;
      const topicId = readTopicId(disk, `${directory}/${name}`);
      strays.push({ ...folder, directory, name, topicId, ...sizeOf(disk, `${directory}/${name}`) });
    }
  }
  return strays.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sizeOf(
  disk: Disk,
  path: string,
): Pick<StrayLog, 'segmentCount' | 'sizeBytes' | 'baseOffset'> {
  let [segmentCount, sizeBytes] = [0, 0];
  let baseOffset: number | null = null;
  for (const { name } of disk.list(path)) {
    const file = parseLogFileName(name);
    if (file?.suffix !== LOG_SUFFIX || file.state !== '') continue;
    segmentCount++;
    sizeBytes += disk.stat(`${path}/${name}`)?.sizeBytes ?? 0;
    baseOffset = Math.min(baseOffset ?? file.offset, file.offset);
  }
  return { segmentCount, sizeBytes, baseOffset };
}

export interface RestoreOptions {
  /** log.dirs: the present log may be in another one. */
  readonly directories: readonly string[];
  /** The name of the stray folder. */
  readonly name: string;
  /** Where the folder's name has only the beginning of it. */
  readonly topic?: string | undefined;
  /** Set the present log aside though it has records. */
  readonly setsPresentAside: boolean;
}

export interface Restored {
  readonly path: string;
  readonly topicId: Uuid;
  /** Where the log is now that was in its place; null if it had no records. */
  readonly presentKept: string | null;
}

/** @throws LogDirectoryError, one line that names the path and the remedy */
export async function restoreStray(io: Io, options: RestoreOptions): Promise<Restored> {
  const { directories } = options;
  const locks = [];
  try {
    for (const path of directories) locks.push(lockDirectory(io, path));
    return await restore(io, options);
  } finally {
    for (const lock of locks) lock.release();
  }
}

async function restore(io: Io, options: RestoreOptions): Promise<Restored> {
  const { disk } = io;
  const stray = findStray(disk, options);
  const folder = { topic: options.topic ?? stray.topic, partition: stray.partition };
  const present = findPresent(disk, options, folder);
  const { directory } = stray;
  const path = `${directory}/${folderName(folder.topic, folder.partition)}`;
  await writeTopicId(disk, `${directory}/${stray.name}`, present.topicId);
  await disk.syncDirectory(`${directory}/${stray.name}`);
  for (const each of new Set([directory, present.directory])) {
    await forgetOffsets(disk, each, folderName(folder.topic, folder.partition));
    // What is taken back was not closed with the rest.
    await disk.remove(`${each}/.kafka_cleanshutdown`);
    await disk.syncDirectory(each);
  }
  let presentKept: string | null = null;
  if (present.sizeBytes > 0) presentKept = await setFolderAside(io, present.directory, folder);
  else await removeEmpty(io, present.directory, folder);
  disk.rename(`${directory}/${stray.name}`, path);
  await disk.syncDirectory(directory);
  return { path, topicId: present.topicId, presentKept };
}

function findStray(disk: Disk, { directories, name }: RestoreOptions): StrayLog {
  const stray = listStrays(disk, directories).find((each) => each.name === name);
  if (stray === undefined) {
    throw new LogDirectoryError(
      name,
      `there is no ${name} in ${directories}: see partita stray list`,
    );
  }
  if (stray.topic === METADATA_TOPIC) {
    throw new LogDirectoryError(
      name,
      `${name} is of the metadata log, which is not taken back: read it with ` +
        'kafka-dump-log.sh --cluster-metadata-decoder',
    );
  }
  return stray;
}

interface PresentLog {
  readonly directory: string;
  readonly topicId: Uuid;
  readonly sizeBytes: number;
}

function findPresent(disk: Disk, options: RestoreOptions, folder: PartitionFolder): PresentLog {
  const name = folderName(folder.topic, folder.partition);
  const directory = options.directories.find((each) => disk.stat(`${each}/${name}`) !== null);
  if (directory === undefined) {
    throw new LogDirectoryError(
      name,
      `there is no ${name} now: start the broker, make the topic ${folder.topic} with more than ` +
        `${folder.partition} partitions, stop the broker and restore then`,
    );
  }
  const path = `${directory}/${name}`;
  const topicId = readTopicId(disk, path);
  const { sizeBytes } = sizeOf(disk, path);
  if (topicId === ZERO_UUID) {
    throw new LogDirectoryError(
      name,
      `${path} does not say which topic it is of: start the broker once`,
    );
  }
  if (sizeBytes > 0 && !options.setsPresentAside) {
    throw new LogDirectoryError(
      name,
      `${path} has records: give --set-present-aside to have it set aside in turn`,
    );
  }
  return { directory, topicId, sizeBytes };
}

async function forgetOffsets(disk: Disk, directory: string, folder: string): Promise<void> {
  for (const name of checkpoints) {
    const path = `${directory}/${name}`;
    const offsets = readOffsetCheckpoint(disk, path);
    if (offsets.delete(folder)) await replaceFile(disk, path, offsetCheckpointBytes(offsets));
  }
}

async function removeEmpty(io: Io, directory: string, folder: PartitionFolder): Promise<void> {
  const { topic, partition } = folder;
  const target = `${directory}/${deleteFolderName(topic, partition, io.random.bytes(16))}`;
  io.disk.rename(`${directory}/${folderName(topic, partition)}`, target);
  await io.disk.syncDirectory(directory);
  await io.disk.remove(target);
}
