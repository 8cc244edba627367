// The files of one simulated host: the tree as programs see it and as the platter has it. Changes
// of the tree (links and unlinks of names) pass through one journal in order, as in ext4 or XFS:
// a power cut keeps a prefix of it, a sync of any directory writes all of it.
//
// Invariant: a file's content is durable only through its own sync, and its name only through the
// journal: a program that forgets either loses data here.

import { posix } from 'node:path';
import type { Prng } from '../src/base/prng.ts';
import { IoError } from '../src/io/io.ts';
import { FileContent } from './file-content.ts';

export class FileNode {
  readonly inode: number;
  content = new FileContent();
  modifiedMs = 0;
  isLinked = true;

  /** @param inode no two files or directories of a host have the same */
  constructor(inode: number) {
    this.inode = inode;
  }

  get identity(): string {
    return `inode ${this.inode}`;
  }
}

export class DirectoryNode {
  readonly inode: number;
  entries = new Map<string, Node>();
  durableEntries = new Map<string, Node>();
  modifiedMs = 0;

  constructor(inode: number) {
    this.inode = inode;
  }

  get identity(): string {
    return `inode ${this.inode}`;
  }
}

export type Node = FileNode | DirectoryNode;

/** Names that appear and vanish together: a rename is one change. */
interface TreeChange {
  readonly unlink?: { readonly parent: DirectoryNode; readonly name: string };
  readonly link?: { readonly parent: DirectoryNode; readonly name: string; readonly node: Node };
}

const reasons: Readonly<Record<string, string>> = {
  EBADF: 'the file is closed',
  EEXIST: 'file already exists',
  EFBIG: 'file too large',
  EIO: 'i/o error',
  EMFILE: 'too many open files',
  EISDIR: 'illegal operation on a directory',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
};

export function diskError(code: string, action: string): IoError {
  return new IoError(code, `cannot ${action}: ${reasons[code] ?? 'unknown error'} (${code})`);
}

const journalLengthMax = 10_000;

export class FileSystem {
  capacityBytes = 2 ** 40;
  #usedBytes = 0;
  #nodeCount = 0;
  #root = new DirectoryNode(++this.#nodeCount);
  #journal: TreeChange[] = [];
  #committedCount = 0;

  get usableBytes(): number {
    return Math.max(this.capacityBytes - this.#usedBytes, 0);
  }

  /** A mark for `commit`: every change of the tree before now. */
  get changeCount(): number {
    return this.#committedCount + this.#journal.length;
  }

  find(path: string): Node | null {
    let node: Node = this.#root;
    for (const name of partsOf(path)) {
      if (!(node instanceof DirectoryNode)) return null;
      const next = node.entries.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  makeDirectory(path: string, nowMs: number): void {
    let node: Node = this.#root;
    for (const name of partsOf(path)) {
      if (!(node instanceof DirectoryNode)) throw diskError('ENOTDIR', `create directory ${path}`);
      let next = node.entries.get(name);
      if (next === undefined) {
        next = new DirectoryNode(++this.#nodeCount);
        this.#apply({ link: { parent: node, name, node: next } }, nowMs);
      }
      node = next;
    }
    if (node instanceof FileNode) throw diskError('EEXIST', `create directory ${path}`);
  }

  assertParent(path: string, action: string): void {
    this.#place(path, action);
  }

  openFile(path: string, mustExist: boolean, nowMs: number): FileNode {
    const { parent, name } = this.#place(path, `open ${path}`);
    const found = parent.entries.get(name);
    if (found instanceof DirectoryNode) throw diskError('EISDIR', `open ${path}`);
    if (found !== undefined) return found;
    if (mustExist) throw diskError('ENOENT', `open ${path}`);
    const node = new FileNode(++this.#nodeCount);
    node.modifiedMs = nowMs;
    this.#apply({ link: { parent, name, node } }, nowMs);
    return node;
  }

  rename(source: string, target: string, nowMs: number): void {
    const action = `rename ${source} to ${target}`;
    const from = this.#place(source, action);
    const to = this.#place(target, action);
    const node = from.parent.entries.get(from.name);
    if (node === undefined) throw diskError('ENOENT', action);
    const replaced = to.parent.entries.get(to.name);
    if (replaced === node) return;
    if (replaced instanceof DirectoryNode) {
      if (node instanceof FileNode) throw diskError('EISDIR', action);
      if (replaced.entries.size > 0) throw diskError('ENOTEMPTY', action);
    } else if (replaced !== undefined && node instanceof DirectoryNode) {
      throw diskError('ENOTDIR', action);
    }
    const link = { parent: to.parent, name: to.name, node };
    this.#apply({ unlink: { parent: from.parent, name: from.name }, link }, nowMs);
  }

  /** The paths to unlink, in order, for the removal of a whole tree. */
  removalOrder(path: string): string[] {
    const node = this.find(path);
    if (node === null) return [];
    if (node instanceof FileNode) return [path];
    const inside = [...node.entries.keys()].flatMap((name) => this.removalOrder(`${path}/${name}`));
    return [...inside, path];
  }

  /** Removes a file or an empty directory; no error if it is gone. */
  unlink(path: string, nowMs: number): void {
    const node = this.find(path);
    if (node === null) return;
    if (node instanceof DirectoryNode && node.entries.size > 0) {
      throw diskError('ENOTEMPTY', `remove ${path}`);
    }
    this.#apply({ unlink: this.#place(path, `remove ${path}`) }, nowMs);
  }

  #place(path: string, action: string): { parent: DirectoryNode; name: string } {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) throw diskError('EISDIR', action);
    const parent = this.find(parts.join('/'));
    if (parent === null) throw diskError('ENOENT', action);
    if (parent instanceof FileNode) throw diskError('ENOTDIR', action);
    return { parent, name };
  }

  #apply(change: TreeChange, nowMs: number): void {
    const { unlink, link } = change;
    if (unlink !== undefined) {
      const node = unlink.parent.entries.get(unlink.name);
      if (link === undefined) this.#onUnlinked(node);
      unlink.parent.entries.delete(unlink.name);
      unlink.parent.modifiedMs = nowMs;
    }
    if (link !== undefined) {
      this.#onUnlinked(link.parent.entries.get(link.name));
      link.parent.entries.set(link.name, link.node);
      link.parent.modifiedMs = nowMs;
    }
    this.#journal.push(change);
    if (this.#journal.length > journalLengthMax) {
      this.commit(this.#committedCount + (this.#journal.length >> 1));
    }
  }

  #onUnlinked(node: Node | undefined): void {
    if (!(node instanceof FileNode)) return;
    node.isLinked = false;
    this.#usedBytes -= node.content.sizeBytes;
  }

  /** Writes as much as fits, then fails: what a full disk does. */
  write(file: FileNode, chunks: readonly Buffer[], position: number): number {
    let at = position;
    for (const chunk of chunks) {
      const growth = Math.max(at + chunk.length - file.content.sizeBytes, 0);
      const missing = file.isLinked ? growth - this.usableBytes : 0;
      const part = missing > 0 ? chunk.subarray(0, Math.max(chunk.length - missing, 0)) : chunk;
      if (part.length > 0) this.resizing(file, () => file.content.write(part, at));
      at += part.length;
      if (part.length < chunk.length) break;
    }
    return at - position;
  }

  /** Keeps the books while the change makes the file longer or shorter. */
  resizing(file: FileNode, change: () => void): void {
    const before = file.content.sizeBytes;
    change();
    if (file.isLinked) this.#usedBytes += file.content.sizeBytes - before;
  }

  /** Makes the changes of the tree before the mark durable. */
  commit(mark: number): void {
    const count = Math.max(mark - this.#committedCount, 0);
    const changes = this.#journal.splice(0, count);
    this.#committedCount += changes.length;
    for (const { unlink, link } of changes) {
      unlink?.parent.durableEntries.delete(unlink.name);
      link?.parent.durableEntries.set(link.name, link.node);
    }
  }

  powerCut(prng: Prng): void {
    const pendingCount = this.#journal.length;
    const style = prng.float();
    const kept = style < 0.3 ? 0 : style < 0.5 ? pendingCount : prng.int(pendingCount + 1);
    this.commit(this.#committedCount + kept);
    this.#journal = [];
    this.#usedBytes = 0;
    this.#restore(this.#root, prng);
  }

  #restore(directory: DirectoryNode, prng: Prng): void {
    directory.entries = new Map(directory.durableEntries);
    for (const node of directory.entries.values()) {
      if (node instanceof DirectoryNode) {
        this.#restore(node, prng);
        continue;
      }
      node.content.powerCut(prng);
      node.isLinked = true;
      this.#usedBytes += node.content.sizeBytes;
    }
  }

  /** Every file, by path, in a fixed order. */
  *files(path = ''): Iterable<[string, FileNode]> {
    const directory = this.find(path);
    if (!(directory instanceof DirectoryNode)) return;
    for (const name of [...directory.entries.keys()].sort()) {
      const node = directory.entries.get(name) as Node;
      if (node instanceof DirectoryNode) yield* this.files(`${path}/${name}`);
      else yield [`${path}/${name}`, node];
    }
  }

  /** The same disk again, cache, platter and inodes alike; neither sees the other change. */
  clone(): FileSystem {
    const result = new FileSystem();
    result.#nodeCount = this.#nodeCount;
    const copies = new Map<Node, Node>();
    const copyOf = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const { inode } = node;
      const copy = node instanceof FileNode ? new FileNode(inode) : new DirectoryNode(inode);
      copies.set(node, copy);
      copy.modifiedMs = node.modifiedMs;
      if (node instanceof FileNode && copy instanceof FileNode) {
        copy.content = node.content.clone();
        copy.isLinked = node.isLinked;
      } else if (node instanceof DirectoryNode && copy instanceof DirectoryNode) {
        for (const [name, child] of node.entries) copy.entries.set(name, copyOf(child));
        for (const [name, child] of node.durableEntries) {
          copy.durableEntries.set(name, copyOf(child));
        }
      }
      return copy;
    };
    result.capacityBytes = this.capacityBytes;
    result.#usedBytes = this.#usedBytes;
    result.#root = copyOf(this.#root) as DirectoryNode;
    result.#committedCount = this.#committedCount;
    result.#journal = this.#journal.map(({ unlink, link }) => ({
      ...(unlink && { unlink: { ...unlink, parent: copyOf(unlink.parent) as DirectoryNode } }),
      ...(link && {
        link: { ...link, parent: copyOf(link.parent) as DirectoryNode, node: copyOf(link.node) },
      }),
    }));
    return result;
  }
}

/** Relative paths start at the root: a simulated process works there. */
function partsOf(path: string): string[] {
  // Nearly all paths have nothing to be resolved, and this is asked for each step of a disk.
  if (isPlain.test(path)) return path.slice(1).split('/');
  return posix
    .resolve('/', path)
    .split('/')
    .filter((part) => part !== '');
}

/** Absolute, no name empty or beginning with a dot. */
const isPlain = /^(?:\/[^./][^/]*)+$/;
