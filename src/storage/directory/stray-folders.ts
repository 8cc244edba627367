// Logs, or parts of logs, that the broker may not use and must not remove: folders with Kafka's
// name for them, `<topic>-<partition>.<32 hex digits>-stray`. Their files keep their names, so that
// kafka-dump-log.sh reads them; `partita stray` lists them and takes them back.
//
// Invariants: what is set aside is durable under its new name before the caller goes on; a crash on
// the way leaves each byte under its old name, its new one, or both, and never under neither; what
// stays in a log is then still a beginning of it. Nothing is removed but copies that failed.

import type { Disk, File, Io } from '../../io/index.ts';
import { parseLogFileName } from '../segment/log-files.ts';
import { folderName, PARTITION_METADATA, type PartitionFolder } from './partition-folder.ts';

const STRAY_SUFFIX = '-stray';
const NAME_BYTES_MAX = 255;
const COPY_BYTES = 1024 * 1024;
const pattern = /^([a-zA-Z0-9._-]{1,249})-(\d{1,10})\.[0-9a-f]{32}-stray$/;

/** One file of a log that is set aside, or the rest of one. */
export interface StrayFile {
  /** Where it is now. */
  readonly source: string;
  /** What it is called among what is set aside. */
  readonly name: string;
  /** The bytes from there on are copied and the file is left as it is. Absent: it is renamed. */
  readonly from?: number;
  /** With `from`: the position before which the copy ends. Absent: it is the rest of the file. */
  readonly to?: number;
}

/** The name of the topic gives way where the file system limits names, as in Kafka. */
export function strayFolderName(topic: string, partition: number, unique: Buffer): string {
  const end = `-${partition}.${unique.toString('hex')}${STRAY_SUFFIX}`;
  return topic.slice(0, NAME_BYTES_MAX - end.length) + end;
}

/** Whose it was; the topic may be cut short. null for what is not a stray folder. */
export function parseStrayFolderName(name: string): PartitionFolder | null {
  const match = pattern.exec(name);
  return match === null ? null : { topic: match[1] as string, partition: Number(match[2]) };
}

export function isStrayFolder(name: string): boolean {
  return pattern.test(name);
}

/** Renames the folder, durably, and returns the new path. The log in it must not be open. */
export async function setFolderAside(
  io: Io,
  directoryPath: string,
  folder: PartitionFolder,
): Promise<string> {
  const { topic, partition } = folder;
  const target = newPath(io, directoryPath, folder);
  io.disk.rename(`${directoryPath}/${folderName(topic, partition)}`, target);
  await io.disk.syncDirectory(directoryPath);
  return target;
}

/**
 * Moves files of a log that goes on into a new stray folder, or copies their ends there; the
 * caller then cuts what was copied. Returns the new folder's path.
 */
export async function setSegmentsAside(
  io: Io,
  directoryPath: string,
  folder: PartitionFolder,
  files: readonly StrayFile[],
): Promise<string> {
  const { disk } = io;
  const home = `${directoryPath}/${folderName(folder.topic, folder.partition)}`;
  const target = newPath(io, directoryPath, folder);
  disk.makeDirectory(target);
  const copied = files.filter(({ from }) => from !== undefined);
  const metadata = `${home}/${PARTITION_METADATA}`;
  if (disk.stat(metadata) !== null) copied.push({ source: metadata, name: PARTITION_METADATA });
  const moved = files.filter(({ from }) => from === undefined);
  try {
    for (const file of copied) await copyEnd(disk, file, `${target}/${file.name}`);
    for (const { source } of moved) await syncFile(disk, source);
  } catch (error) {
    await disk.remove(target);
    throw error;
  }
  // The copies are found after a power cut before any file leaves its place.
  await disk.syncDirectory(target);
  await disk.syncDirectory(directoryPath);
  // The last one first: whenever it stops, the log has no hole that it did not have before.
  moved.sort((a, b) => offsetOf(b) - offsetOf(a));
  for (const { source, name } of moved) disk.rename(source, `${target}/${name}`);
  await disk.syncDirectory(target);
  await disk.syncDirectory(home);
  return target;
}

function newPath(io: Io, directoryPath: string, { topic, partition }: PartitionFolder): string {
  return `${directoryPath}/${strayFolderName(topic, partition, io.random.bytes(16))}`;
}

function offsetOf({ name }: StrayFile): number {
  return parseLogFileName(name)?.offset ?? Number.MAX_SAFE_INTEGER;
}

async function syncFile(disk: Disk, path: string): Promise<void> {
  const file = disk.open(path, 'write');
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

async function copyEnd(disk: Disk, file: StrayFile, target: string): Promise<void> {
  const source = disk.open(file.source, 'read');
  try {
    const copy = disk.open(target, 'create');
    try {
      await copyBytes(source, file, copy);
      await copy.sync();
    } finally {
      copy.close();
    }
  } finally {
    source.close();
  }
}

async function copyBytes(
  source: File,
  { from = 0, to = Number.POSITIVE_INFINITY }: StrayFile,
  copy: File,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(COPY_BYTES);
  for (let position = from; position < to; ) {
    const wanted = buffer.subarray(0, Math.min(buffer.length, to - position));
    const bytes = await source.read(wanted, position);
    if (bytes === 0) return;
    copy.write([buffer.subarray(0, bytes)], position - from);
    position += bytes;
  }
}
