// The folders of a log directory: `<topic>-<partition>` for a log, and the same with a unique part
// and `-delete` for one that waits to be removed, `-future` for one that is being copied here.
// Each log folder holds partition.metadata, which names the topic's id: a topic that was deleted
// and created again has another one.

import { isUuid, type Uuid, ZERO_UUID } from '../../base/uuid.ts';
import type { Disk } from '../../io/index.ts';
import { keepDamaged } from '../files/damaged-file.ts';
import { LOG_SUFFIX, parseLogFileName } from '../segment/log-files.ts';

export const PARTITION_METADATA = 'partition.metadata';
const DELETE_SUFFIX = '-delete';
const FUTURE_SUFFIX = '-future';
const NAME_BYTES_MAX = 255;
const isFirstFile = /^(partition\.metadata|leader-epoch-checkpoint)(\.tmp)?$/;

export interface PartitionFolder {
  readonly topic: string;
  readonly partition: number;
}

export interface PartitionName extends PartitionFolder {
  /** ZERO_UUID when partition.metadata is missing or torn. */
  readonly topicId: Uuid;
}

/** null for what is not a topic's: waiting for removal, moving between disks, foreign. */
export function parseFolderName(name: string): PartitionFolder | null {
  const match = /^([a-zA-Z0-9._-]{1,249})-(\d{1,10})$/.exec(name);
  // The metadata log lies beside the others and has an owner of its own, who opens it.
  if (match === null || match[1] === '__cluster_metadata') return null;
  return { topic: match[1] as string, partition: Number(match[2]) };
}

export function folderName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

export function isDeleteFolder(name: string): boolean {
  return /\.[0-9a-f]{32}-delete$/.test(name);
}

/** The topic's name gives way where the file system's limit on names demands it. */
export function deleteFolderName(topic: string, partition: number, unique: Buffer): string {
  const end = `-${partition}.${unique.toString('hex')}${DELETE_SUFFIX}`;
  return topic.slice(0, NAME_BYTES_MAX - end.length) + end;
}

/** null if the name would be longer than a file system takes. */
export function futureFolderName(topic: string, partition: number, unique: Buffer): string | null {
  const name = `${topic}-${partition}.${unique.toString('hex')}${FUTURE_SUFFIX}`;
  return name.length > NAME_BYTES_MAX ? null : name;
}

/** null for what is not a log on its way here. */
export function parseFutureFolderName(name: string): PartitionFolder | null {
  const match = /^(.+)\.[0-9a-f]{32}-future$/.exec(name);
  return match === null ? null : parseFolderName(match[1] as string);
}

/** It has nothing in it but what a log has before its first record, and names no topic. */
export function isEmptyFolder(disk: Disk, directory: string): boolean {
  if (readTopicId(disk, directory) !== ZERO_UUID) return false;
  return disk.list(directory).every(({ name, isDirectory }) => {
    if (isDirectory) return false;
    const file = parseLogFileName(name);
    if (file === null) return isFirstFile.test(name);
    return file.suffix !== LOG_SUFFIX || disk.stat(`${directory}/${name}`)?.sizeBytes === 0;
  });
}

/** The folders in a log directory: those of logs, and what is left of moves and deletions. */
export function listFolders(
  disk: Disk,
  directory: string,
): { folders: string[]; unfinished: PartitionFolder[]; removable: string[] } {
  const folders: string[] = [];
  const unfinished: PartitionFolder[] = [];
  const removable: string[] = [];
  for (const { name, isDirectory } of disk.list(directory)) {
    if (!isDirectory) continue;
    const future = parseFutureFolderName(name);
    if (future !== null) unfinished.push(future);
    if (future !== null || isDeleteFolder(name)) removable.push(name);
    else if (parseFolderName(name) !== null) folders.push(name);
  }
  return { folders, unfinished, removable };
}

/** ZERO_UUID if the file is missing or was not written whole. */
export function readTopicId(disk: Disk, directory: string): Uuid {
  const path = `${directory}/${PARTITION_METADATA}`;
  // No file takes the place of a directory.
  if (disk.stat(path)?.isDirectory) keepDamaged(disk, path);
  const text = disk.readFile(path)?.toString('utf8') ?? '';
  const topicId = /^topic_id: *(\S+)/m.exec(text)?.[1] ?? '';
  return isUuid(topicId) ? topicId : ZERO_UUID;
}

export async function writeTopicId(disk: Disk, directory: string, topicId: Uuid): Promise<void> {
  const file = disk.open(`${directory}/${PARTITION_METADATA}`, 'create');
  try {
    const bytes = Buffer.from(`version: 0\ntopic_id: ${topicId}`);
    file.write([bytes], 0);
    file.truncate(bytes.length);
    await file.sync();
  } finally {
    file.close();
  }
}

/** What was read may be in the page cache alone, left there by a process that was killed. */
export async function syncTopicId(disk: Disk, directory: string): Promise<void> {
  const file = disk.open(`${directory}/${PARTITION_METADATA}`, 'write');
  try {
    await file.sync();
  } finally {
    file.close();
  }
}
