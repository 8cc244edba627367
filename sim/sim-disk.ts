// The Disk of one simulated process: the host's files with latency, faults and death. Calls of a
// process that was killed have no effect, and what they promise never comes.

import { assert } from '../src/base/assert.ts';
import type { Prng } from '../src/base/prng.ts';
import type { DirectoryEntry, Disk, DiskLock, File, FileStat } from '../src/io/io.ts';
import type { DiskFaults } from './faults.ts';
import { DirectoryNode, diskError, FileNode, type FileSystem } from './file-system.ts';
import type { EnclosingHost, EnclosingProcess } from './surroundings.ts';
import { fingerprint } from './trace.ts';

/** Linux's name for the run of the system. */
const bootIdPath = '/proc/sys/kernel/random/boot_id';
const unlinkMs = 0.02;
const lookupMs = 0.02;

export class SimDisk implements Disk {
  readonly #process: EnclosingProcess;
  readonly #host: EnclosingHost;
  readonly #prng: Prng;
  /** The host's, until this process dies in the middle of a turn: then a ghost of it. */
  readonly #files: FileSystem;
  /** Files that the process may have open at the same time. */
  filesOpenMax = Number.POSITIVE_INFINITY;
  filesOpenCount = 0;
  answerCount = 0;
  #operationCount = 0;
  /** What happens just before a change of the disk, and before which one. */
  #interruption: { readonly at: number; readonly action: () => void } | null = null;

  constructor(process: EnclosingProcess, prng: Prng) {
    this.#process = process;
    this.#host = process.host;
    this.#prng = prng;
    this.#files = process.host.files;
  }

  makeDirectory(path: string, parents: 'made' | 'there' = 'made'): void {
    if (parents === 'there') this.#files.assertParent(path, `create directory ${path}`);
    if (this.mayChange(`mkdir ${path}`)) this.#files.makeDirectory(path, this.nowMs());
  }

  /** A process has a bound on what it may have open. */
  #assertDescriptor(action: string): void {
    if (this.filesOpenCount >= this.filesOpenMax) throw diskError('EMFILE', action);
  }

  list(path: string): DirectoryEntry[] {
    this.#assertDescriptor(`list ${path}`);
    const node = this.#files.find(path);
    if (node === null) throw diskError('ENOENT', `list ${path}`);
    if (!(node instanceof DirectoryNode)) throw diskError('ENOTDIR', `list ${path}`);
    const entries = [...node.entries].map(([name, entry]) => ({
      name,
      isDirectory: entry instanceof DirectoryNode,
    }));
    // Real directories are not in the order of creation: nobody may rely on it.
    return this.#prng.shuffle(entries);
  }

  stat(path: string): FileStat | null {
    const node = this.#files.find(path);
    if (node === null) return null;
    const isDirectory = node instanceof DirectoryNode;
    const sizeBytes = isDirectory ? 4096 : node.content.sizeBytes;
    return { sizeBytes, isDirectory, modifiedMs: node.modifiedMs };
  }

  rename(source: string, target: string): void {
    if (!this.mayChange(`rename ${source} ${target}`)) return;
    this.#files.rename(source, target, this.nowMs());
  }

  open(path: string, mode: 'read' | 'write' | 'create'): File {
    this.#assertDescriptor(`open ${path}`);
    const exists = this.#files.find(path) !== null;
    if (!exists && mode === 'create' && !this.mayChange(`create ${path}`)) {
      // Dead: any file will do, nobody will see it.
      return new SimFile(path, new FileNode(0), true, this);
    }
    const node = this.#files.openFile(path, mode !== 'create', this.nowMs());
    this.filesOpenCount++;
    return new SimFile(path, node, mode !== 'read', this);
  }

  readFile(path: string, bytesMax = Number.POSITIVE_INFINITY): Buffer | null {
    if (path === bootIdPath) return Buffer.from(`${this.#host.bootId}\n`);
    const node = this.#files.find(path);
    if (node === null) return null;
    if (node instanceof DirectoryNode) throw diskError('EISDIR', `read ${path}`);
    if (node.content.sizeBytes > bytesMax) throw diskError('EFBIG', `read ${path}`);
    this.#assertDescriptor(`read ${path}`);
    this.maybeFail(this.faults.readFailChance, `read ${path}`);
    const buffer = Buffer.alloc(node.content.sizeBytes);
    node.content.read(buffer, 0);
    return buffer;
  }

  async remove(path: string): Promise<void> {
    for (const entry of this.#files.removalOrder(path)) {
      await this.#process.pause(unlinkMs);
      if (this.mayChange(`unlink ${entry}`)) this.#files.unlink(entry, this.nowMs());
    }
  }

  async syncDirectory(path: string): Promise<void> {
    this.#assertDescriptor(`sync directory ${path}`);
    const node = this.#files.find(path);
    if (node === null) throw diskError('ENOENT', `sync directory ${path}`);
    const mark = this.#files.changeCount;
    await this.#process.pause(this.#syncDelayMs());
    await this.#thawed(path);
    this.answerCount++;
    this.maybeFail(this.faults.syncFailChance, `sync directory ${path}`);
    this.note(`syncdir ${path}`);
    this.#files.commit(mark);
  }

  lock(path: string): DiskLock | null {
    this.open(path, 'create').close();
    if (!this.#process.isAlive || !this.#host.takeLock(path, this.#process)) return null;
    const node = this.#files.find(path);
    let isHeld = true;
    return {
      isHeld: async () => {
        await this.#answer(path);
        return isHeld && this.#files.find(path) === node;
      },
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        if (!this.mayChange(`unlink ${path}`)) return;
        if (this.#files.find(path) === node) this.#files.unlink(path, this.nowMs());
        if (this.#process.isAlive) this.#host.releaseLock(path);
      },
    };
  }

  async identity(path: string): Promise<string | null> {
    await this.#answer(path);
    return this.#files.find(path)?.identity ?? null;
  }

  /** Resolves when the disk that has the path answers: not while its file system is frozen. */
  async #answer(path: string): Promise<void> {
    await this.#process.pause(lookupMs);
    await this.#thawed(path);
    this.answerCount++;
  }

  space(path: string): { totalBytes: number; usableBytes: number } {
    if (this.#files.find(path) === null) {
      throw diskError('ENOENT', `stat the filesystem of ${path}`);
    }
    return { totalBytes: this.#files.capacityBytes, usableBytes: this.#files.usableBytes };
  }

  descriptorsMax(): number {
    return this.filesOpenMax;
  }

  onClosed(): void {
    this.filesOpenCount--;
  }

  /** How often the process has changed the disk. */
  get operationCount(): number {
    return this.#operationCount;
  }

  /**
   * Calls the action just before the process changes the disk for the count-th time from now on,
   * 0 being the next time. What it throws is what the change throws. One action at a time.
   */
  atOperation(count: number, action: () => void): void {
    this.#interruption = { at: this.#operationCount + count, action };
  }

  get faults(): DiskFaults {
    return this.#process.world.faults.disk;
  }

  get files(): FileSystem {
    return this.#files;
  }

  nowMs(): number {
    return this.#process.io.clock.now();
  }

  note(what: string): void {
    this.#process.note(`disk ${what}`);
  }

  /** To be asked before each change of the disk; traces it. False: the process is dead. */
  mayChange(what: string): boolean {
    if (this.#process.isAlive) this.#count(what);
    if (!this.#process.isAlive) return this.#files !== this.#host.files;
    this.note(what);
    return true;
  }

  /** The process dies in the middle of a turn, and lives on in it as a ghost on the old files. */
  leaveToGhost(): void {
    // Others may share the host with who leaves nothing behind.
    if (this.#operationCount === 0) return;
    assert(this.#host.processes.length === 1, 'the files that are copied have no other user');
    this.#host.files = this.#files.clone();
  }

  #count(what: string): void {
    const number = this.#operationCount++;
    const interruption = this.#interruption;
    if (interruption === null || number < interruption.at) return;
    this.#interruption = null;
    this.note(`is interrupted before ${what}`);
    interruption.action();
  }

  maybeFail(chance: number, action: string): void {
    if (chance === 0 || !this.#prng.chance(chance)) return;
    this.note(`EIO: ${action}`);
    throw diskError('EIO', action);
  }

  async #thawed(path: string): Promise<void> {
    if (!this.#host.isFrozen(path)) return;
    await this.#host.thawed(path);
    // A process that died meanwhile hears of it no more.
    await this.#process.pause(0);
  }

  async readDelay(path: string): Promise<void> {
    await this.#process.pause(this.#spread(this.faults.readMsMean));
    await this.#thawed(path);
    this.answerCount++;
  }

  async sync(path: string, file: FileNode): Promise<void> {
    const mark = file.content.changeCount;
    await this.#process.pause(this.#syncDelayMs());
    await this.#thawed(path);
    this.answerCount++;
    if (this.faults.syncFailChance > 0 && this.#prng.chance(this.faults.syncFailChance)) {
      this.note(`EIO: sync ${path}`);
      file.content.settleBadly(mark, this.#prng);
      throw diskError('EIO', `sync ${path}`);
    }
    this.note(`sync ${path} ${file.content.sizeBytes}`);
    file.content.settle(mark);
  }

  #syncDelayMs(): number {
    const { slowSyncChance, slowSyncMs, syncMsMean } = this.faults;
    const isSlow = slowSyncChance > 0 && this.#prng.chance(slowSyncChance);
    return this.#spread(syncMsMean) + (isSlow ? slowSyncMs : 0);
  }

  #spread(meanMs: number): number {
    return meanMs * (0.5 + this.#prng.float());
  }
}

class SimFile implements File {
  readonly path: string;
  readonly #node: FileNode;
  readonly #isWritable: boolean;
  readonly #disk: SimDisk;
  #isClosed = false;

  constructor(path: string, node: FileNode, isWritable: boolean, disk: SimDisk) {
    this.path = path;
    this.#node = node;
    this.#isWritable = isWritable;
    this.#disk = disk;
  }

  write(chunks: readonly Buffer[], position: number): void {
    this.#assertWritable('write');
    const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const [first] = chunks;
    const print = first === undefined ? '' : fingerprint(first);
    if (!this.#disk.mayChange(`write ${this.path} @${position} ${sizeBytes} ${print}`)) return;
    this.#disk.maybeFail(this.#disk.faults.writeFailChance, `write ${this.path}`);
    this.#node.modifiedMs = this.#disk.nowMs();
    const written = this.#disk.files.write(this.#node, chunks, position);
    if (written < sizeBytes) throw diskError('ENOSPC', `write ${this.path}`);
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    this.#assertOpen('read');
    await this.#disk.readDelay(this.path);
    this.#disk.maybeFail(this.#disk.faults.readFailChance, `read ${this.path}`);
    return this.#node.content.read(buffer, position);
  }

  readSync(buffer: Buffer, position: number): number {
    this.#assertOpen('read');
    this.#disk.maybeFail(this.#disk.faults.readFailChance, `read ${this.path}`);
    return this.#node.content.read(buffer, position);
  }

  sizeBytes(): number {
    this.#assertOpen('stat');
    return this.#node.content.sizeBytes;
  }

  async identity(): Promise<string> {
    this.#assertOpen('stat');
    return this.#node.identity;
  }

  truncate(sizeBytes: number): void {
    this.#assertWritable('truncate');
    if (!this.#disk.mayChange(`truncate ${this.path} ${sizeBytes}`)) return;
    this.#node.modifiedMs = this.#disk.nowMs();
    this.#disk.files.resizing(this.#node, () => this.#node.content.truncate(sizeBytes));
  }

  async sync(): Promise<void> {
    this.#assertOpen('sync');
    await this.#disk.sync(this.path, this.#node);
  }

  close(): void {
    if (!this.#isClosed) this.#disk.onClosed();
    this.#isClosed = true;
  }

  #assertOpen(action: string): void {
    if (this.#isClosed) throw diskError('EBADF', `${action} ${this.path}`);
  }

  #assertWritable(action: string): void {
    this.#assertOpen(action);
    if (!this.#isWritable) throw diskError('EBADF', `${action} ${this.path}`);
  }
}
