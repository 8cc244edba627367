// Whose a log directory is: meta.properties, which Kafka writes too, and our notes beside it, which
// say the same, so that each can be held against the other and rebuilt from it.
//
// Invariants: a directory of another cluster or broker is never written to; one that holds logs is
// never taken for a new one.

import { type Io, IoError } from '../../io/index.ts';
import { keepDamaged } from '../files/damaged-file.ts';
import { replaceFile } from './checkpoint-file.ts';
import { type DirectoryNotes, hasNotes, notesPath, readNotes } from './directory-notes.ts';
import { LogDirectoryError, refusedDirectory } from './log-directory-error.ts';
import {
  META_PROPERTIES,
  type MetaProperties,
  metaPropertiesBytes,
  parseMetaProperties,
} from './meta-properties.ts';
import { folderName, parseFolderName } from './partition-folder.ts';

export interface DirectoryIdentity {
  readonly meta: MetaProperties;
  readonly notes: DirectoryNotes | null;
}

export interface DirectoryOwner {
  readonly path: string;
  readonly nodeId: number;
  /** null takes the id that is found, or makes one up for a new directory. */
  readonly clusterId: string | null;
  /** The log directory that has the id, where it is not the configuration's. */
  readonly clusterIdAt?: string | null;
}

/** null if there is none. @throws LogDirectoryError if it cannot be understood */
export function readMetaProperties(io: Io, path: string): Partial<MetaProperties> | null {
  const bytes = io.disk.readFile(`${path}/${META_PROPERTIES}`);
  if (bytes === null) return null;
  const meta = parseMetaProperties(bytes.toString('utf8'));
  if (meta !== null) return meta;
  throw new LogDirectoryError(
    path,
    `${path}/${META_PROPERTIES} is not of version 0 or 1: restore it, or use another log.dirs`,
  );
}

/** Writes meta.properties, with a new directory id. */
export async function formatDirectory(
  io: Io,
  path: string,
  owner: { readonly clusterId: string; readonly nodeId: number },
): Promise<MetaProperties> {
  const directoryId = io.random.bytes(16).toString('base64url');
  return await writeMetaProperties(io, path, { ...owner, directoryId });
}

async function writeMetaProperties(
  io: Io,
  path: string,
  meta: MetaProperties,
): Promise<MetaProperties> {
  try {
    io.disk.makeDirectory(path);
    await replaceFile(io.disk, `${path}/${META_PROPERTIES}`, metaPropertiesBytes(meta));
  } catch (error) {
    throw error instanceof IoError ? refusedDirectory(path, error) : error;
  }
  return meta;
}

/** The path of some partition's folder in the directory; null if there is none. */
export function somePartitionIn(io: Io, path: string): string | null {
  for (const { name, isDirectory } of io.disk.list(path)) {
    const folder = isDirectory ? parseFolderName(name) : null;
    if (folder !== null) return `${path}/${folderName(folder.topic, folder.partition)}`;
  }
  return null;
}

/**
 * Reads whose the directory is, or makes it ours if it is new.
 *
 * @throws LogDirectoryError
 */
export async function identifyDirectory(io: Io, owner: DirectoryOwner): Promise<DirectoryIdentity> {
  const { path, nodeId } = owner;
  const notes = readNotes(io.disk, path);
  if (notes === null && hasNotes(io.disk, path)) {
    io.log.warn('a file is damaged and is written anew', { path: notesPath(path) });
  }
  const found = notes === null ? readMetaProperties(io, path) : await foundBeside(io, path, notes);
  const clusterId =
    owner.clusterId ?? found?.clusterId ?? io.random.bytes(16).toString('base64url');
  if (found === null) {
    assertHoldsNothing(io, path);
    return { meta: await formatDirectory(io, path, { clusterId, nodeId }), notes };
  }
  assertOurs(found, owner, clusterId);
  const { directoryId } = found;
  if (directoryId !== undefined && found.clusterId !== undefined) {
    return { meta: { clusterId, nodeId, directoryId }, notes };
  }
  return { meta: await formatDirectory(io, path, { clusterId, nodeId }), notes };
}

/** meta.properties, or what the notes say of it if it is missing or damaged: they say all of it. */
async function foundBeside(
  io: Io,
  path: string,
  notes: DirectoryNotes,
): Promise<Partial<MetaProperties>> {
  const file = `${path}/${META_PROPERTIES}`;
  const bytes = io.disk.readFile(file);
  const meta = bytes === null ? null : parseMetaProperties(bytes.toString('utf8'));
  for (const key of ['clusterId', 'nodeId', 'directoryId'] as const) {
    if (meta?.[key] === undefined || meta[key] === notes[key]) continue;
    throw new LogDirectoryError(
      path,
      `${file} says ${meta[key]} where ${notesPath(path)} says ${notes[key]}: correct it, ` +
        'or remove the other if this is meant',
    );
  }
  if (
    meta?.clusterId !== undefined &&
    meta.nodeId !== undefined &&
    meta.directoryId !== undefined
  ) {
    return meta;
  }
  // It may be somebody's file that got the name.
  const how = bytes === null ? { file } : { file, kept: keepDamaged(io.disk, file) };
  io.log.warn('a file is missing or damaged and is written anew', how);
  const { clusterId, nodeId, directoryId } = notes;
  return await writeMetaProperties(io, path, { clusterId, nodeId, directoryId });
}

function assertHoldsNothing(io: Io, path: string): void {
  const partition = somePartitionIn(io, path);
  if (partition === null) return;
  throw new LogDirectoryError(
    path,
    `${path}/${META_PROPERTIES} is missing, but ${partition} is there: restore it, or write one ` +
      'with kafka-storage.sh format and the id of the cluster',
  );
}

function assertOurs(
  found: Partial<MetaProperties>,
  { path, nodeId, clusterIdAt }: DirectoryOwner,
  clusterId: string,
): void {
  const whose = clusterIdAt == null ? 'this broker' : `log directory ${clusterIdAt}`;
  if (found.clusterId !== undefined && found.clusterId !== clusterId) {
    throw new LogDirectoryError(
      path,
      `log directory ${path} belongs to cluster ${found.clusterId}, ${whose} to ${clusterId}: ` +
        'bring back what was there, use another log.dirs, or the cluster id of the directory',
    );
  }
  if (found.nodeId !== undefined && found.nodeId !== nodeId) {
    throw new LogDirectoryError(
      path,
      `log directory ${path} belongs to node ${found.nodeId}, this broker is node ${nodeId}: ` +
        `use another log.dirs, or node.id=${found.nodeId}`,
    );
  }
}
