// Damage to the files of a broker that is stopped: what bad disks, careless hands and half restored
// backups do. Which, where and how follows from the source of chance alone.
//
// Invariant: what is damaged can be put back as it was, path by path, from a copy of the tree.

import type { Prng } from '../src/base/prng.ts';
import { DirectoryNode, FileNode, type FileSystem } from './file-system.ts';

export const damageKinds = [
  'flip a bit',
  'flip a bit',
  'zero a block',
  'cut the file short',
  'append bytes',
  'remove the file',
  'remove the folder',
  'remove the directory',
  'empty the directory',
  'swap two files',
  'put an older copy',
] as const;
export type DamageKind = (typeof damageKinds)[number];

export interface Damage {
  readonly kind: DamageKind;
  /** Files, folders or log directories that are not as they were. */
  readonly paths: readonly string[];
}

export interface DamageOptions {
  readonly prng: Prng;
  /** The log directories of the broker. */
  readonly directories: readonly string[];
  /** The tree as it was some time before. */
  readonly older: FileSystem;
}

const blockBytes = 512;

/** Does one thing to one file or folder; null when what was drawn has nothing to be done to. */
export function damageOnce(files: FileSystem, options: DamageOptions): Damage | null {
  const { prng, directories } = options;
  const kind = prng.pick(damageKinds);
  switch (kind) {
    case 'remove the directory':
    case 'empty the directory':
      if (!prng.chance(0.3)) return null;
      return damageDirectory(files, kind, { directories, chosen: prng.pick(directories) });
    case 'remove the folder':
      return removeFolder(files, options);
    case 'swap two files':
      return swap(files, options);
    case 'put an older copy':
      return putOlder(files, options);
    default:
      return damageFile(files, kind, options);
  }
}

/** Makes what is at the path what it is in the other tree, and where it lies if that is gone. */
export function putBack(files: FileSystem, from: FileSystem, path: string): void {
  removeTree(files, path);
  files.makeDirectory(folderOf(path), 0);
  const node = from.find(path);
  if (node instanceof FileNode) {
    putFile(files, path, bytesOf(node));
  } else if (node instanceof DirectoryNode) {
    files.makeDirectory(path, 0);
    for (const name of node.entries.keys()) putBack(files, from, `${path}/${name}`);
  }
}

export function bytesOf({ content }: FileNode): Buffer {
  const bytes = Buffer.alloc(content.sizeBytes);
  content.read(bytes, 0);
  return bytes;
}

/** A file of the tree: first of what kind, then which, so that the few are hit like the many. */
function pickFile(files: FileSystem, { prng, directories }: DamageOptions): string | null {
  const byKind = new Map<string, string[]>();
  for (const directory of directories) {
    for (const [path] of files.files(directory)) {
      const kind = kindOf(path);
      byKind.set(kind, [...(byKind.get(kind) ?? []), path]);
    }
  }
  const kinds = [...byKind.keys()].sort();
  return kinds.length === 0 ? null : prng.pick(byKind.get(prng.pick(kinds)) ?? []);
}

function kindOf(path: string): string {
  const name = nameOf(path);
  const kind = /^\d/.test(name) ? name.slice(name.indexOf('.')) : name;
  const owner = /\/__(\w+)-\d+\//.exec(path)?.[1] ?? '';
  // Indexes and snapshots are the same whoever they belong to, but for those of the metadata.
  return kind === '.log' || owner === 'cluster_metadata' ? `${owner} ${kind}` : kind;
}

function damageFile(files: FileSystem, kind: DamageKind, options: DamageOptions): Damage | null {
  const { prng } = options;
  const path = pickFile(files, options);
  if (path === null) return null;
  if (kind === 'remove the file') {
    removeTree(files, path);
    return { kind, paths: [path] };
  }
  const bytes = bytesOf(files.find(path) as FileNode);
  const changed = changedBytes(bytes, kind, prng);
  if (changed.equals(bytes)) return null;
  putFile(files, path, changed);
  return { kind, paths: [path] };
}

function changedBytes(bytes: Buffer, kind: DamageKind, prng: Prng): Buffer {
  const changed = Buffer.from(bytes);
  const at = prng.int(bytes.length);
  switch (kind) {
    case 'flip a bit':
      if (bytes.length > 0) changed[at] = (changed[at] as number) ^ (1 << prng.int(8));
      return changed;
    case 'zero a block': {
      const start = at - (at % blockBytes);
      return changed.fill(0, start, Math.min(start + blockBytes, changed.length));
    }
    case 'cut the file short':
      return changed.subarray(0, at);
    default: {
      const added = prng.bytes(1 + prng.int(300));
      return Buffer.concat([changed, prng.chance(0.3) ? Buffer.alloc(added.length) : added]);
    }
  }
}

function removeFolder(files: FileSystem, { prng, directories }: DamageOptions): Damage | null {
  const directory = prng.pick(directories);
  const node = files.find(directory);
  if (!(node instanceof DirectoryNode)) return null;
  const folders = [...node.entries].filter(([, entry]) => entry instanceof DirectoryNode);
  const names = folders.map(([name]) => name).sort();
  if (names.length === 0) return null;
  const path = `${directory}/${prng.pick(names)}`;
  removeTree(files, path);
  return { kind: 'remove the folder', paths: [path] };
}

function damageDirectory(
  files: FileSystem,
  kind: DamageKind,
  { directories, chosen }: { directories: readonly string[]; chosen: string },
): Damage | null {
  // Without another one nothing would be left that could be judged.
  const left = directories.filter((path) => files.removalOrder(path).length > 1);
  if (!left.includes(chosen) || left.length < 2) return null;
  removeTree(files, chosen);
  if (kind === 'empty the directory') files.makeDirectory(chosen, 0);
  return { kind, paths: [chosen] };
}

/**
 * Not the logs of two partitions, and not two checkpoints of a directory: neither says whose it is,
 * so that nobody could tell one from the other.
 */
function swap(files: FileSystem, options: DamageOptions): Damage | null {
  const one = pickFile(files, options);
  const other = pickFile(files, options);
  if (one === null || other === null || one === other) return null;
  const isTwoLogs = one.endsWith('.log') && other.endsWith('.log');
  if (isTwoLogs && folderOf(one) !== folderOf(other)) return null;
  if (isCheckpoint(one) && isCheckpoint(other)) return null;
  const [first, second] = [files.find(one), files.find(other)] as [FileNode, FileNode];
  const [firstBytes, secondBytes] = [bytesOf(first), bytesOf(second)];
  if (firstBytes.equals(secondBytes)) return null;
  putFile(files, one, secondBytes);
  putFile(files, other, firstBytes);
  return { kind: 'swap two files', paths: [one, other] };
}

function isCheckpoint(path: string): boolean {
  return path.endsWith('-offset-checkpoint');
}

function putOlder(files: FileSystem, options: DamageOptions): Damage | null {
  const changed = (path: string): boolean => {
    const [now, then] = [files.find(path), options.older.find(path)];
    return (
      now instanceof FileNode && then instanceof FileNode && !bytesOf(now).equals(bytesOf(then))
    );
  };
  for (let tries = 0; tries < 20; tries++) {
    const path = pickFile(files, options);
    if (path === null || !changed(path)) continue;
    putFile(files, path, bytesOf(options.older.find(path) as FileNode));
    return { kind: 'put an older copy', paths: [path] };
  }
  return null;
}

/** Durably, in place of what is there. */
export function putFile(files: FileSystem, path: string, bytes: Buffer): void {
  const file = files.openFile(path, false, 0);
  files.resizing(file, () => file.content.truncate(0));
  files.write(file, [bytes], 0);
  file.content.settle(file.content.changeCount);
  files.commit(files.changeCount);
}

function removeTree(files: FileSystem, path: string): void {
  for (const entry of files.removalOrder(path)) files.unlink(entry, 0);
  files.commit(files.changeCount);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
