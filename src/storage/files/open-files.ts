// Descriptors for segment files under one bound for the whole process: a file is opened when it is
// first used and the files used least recently are closed, so that ten thousand partitions need no
// more descriptors than a few busy ones. A closed file is opened again by the next call. The bound
// may change at any time: connections come out of the same purse.

import type { Disk, File, IoError } from '../../io/index.ts';
import { isLoss, isShortOfDescriptors } from './shortage.ts';

/** A file that must be there could not be opened by its name. */
export type LossListener = (error: IoError) => void;

export class OpenFiles {
  readonly disk: Disk;
  /** By log directory. */
  readonly #lossListeners = new Map<string, LossListener>();
  #openMax: number;
  readonly #open = new Set<PooledFile>();
  #uses = 0;

  /** Told of each write of a file, and each opening, that fails. */
  readonly onRefused: (path: string, error: unknown) => void;

  constructor(
    disk: Disk,
    openMax: number,
    onRefused: (path: string, error: unknown) => void = () => {},
  ) {
    this.disk = disk;
    this.onRefused = onRefused;
    this.#openMax = openMax;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** What is open beyond the new bound is closed, unless it is at work. */
  limitTo(openMax: number): void {
    this.#openMax = openMax;
    if (this.#open.size > openMax) this.#closeOldest(this.#open.size - openMax);
  }

  /** Whom to tell of files below the directory that are gone; null ends it. */
  listen(directory: string, listener: LossListener | null): void {
    if (listener === null) this.#lossListeners.delete(directory);
    else this.#lossListeners.set(directory, listener);
  }

  /** What is open below the directory and was used since it was last seen to be in its place. */
  *unproven(directory: string): Iterable<PooledFile> {
    for (const file of this.#open) {
      if (file.lastUse > file.provenUse && file.path.startsWith(`${directory}/`)) yield file;
    }
  }

  onLoss(path: string, error: IoError): void {
    for (const [directory, listener] of this.#lossListeners) {
      if (path.startsWith(`${directory}/`)) listener(error);
    }
  }

  /** Others may have taken the descriptors: what we can spare is given up for the one file. */
  open(path: string, mode: 'write' | 'create'): File {
    try {
      return this.disk.open(path, mode);
    } catch (error) {
      if (isShortOfDescriptors(error) && this.#closeOldest(1) > 0) {
        return this.disk.open(path, mode);
      }
      this.onRefused(path, error);
      throw error;
    }
  }

  /** A grown number on each call: the order of use. */
  nextUse(): number {
    return ++this.#uses;
  }

  onOpened(file: PooledFile): void {
    this.#open.add(file);
    if (this.#open.size > this.#openMax) this.#closeOldest(1, file);
  }

  onClosed(file: PooledFile): void {
    this.#open.delete(file);
  }

  /** Closes an eighth at once, so that the search for the oldest is rare; returns how many. */
  #closeOldest(countMin: number, spared?: PooledFile): number {
    const candidates = [...this.#open].filter((file) => file !== spared && !file.isBusy);
    candidates.sort((a, b) => a.lastUse - b.lastUse);
    const count = Math.max(countMin, Math.floor(this.#openMax / 8));
    const closed = candidates.slice(0, count);
    for (const file of closed) file.close();
    return closed.length;
  }
}

export class PooledFile {
  readonly #pool: OpenFiles;
  #path: string;
  #file: File | null = null;
  #callsUnderWay = 0;
  #isReleased = false;
  lastUse = 0;
  /** The last use that was of the file that the name leads to. */
  provenUse = 0;

  constructor(pool: OpenFiles, path: string) {
    this.#pool = pool;
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  get isBusy(): boolean {
    return this.#callsUnderWay > 0;
  }

  /** Creates the file if it is not there, empties it if it is. */
  create(): void {
    this.close();
    this.#file = this.#pool.open(this.#path, 'create');
    this.lastUse = this.#pool.nextUse();
    this.#pool.onOpened(this);
    if (this.#file.sizeBytes() > 0) this.#file.truncate(0);
  }

  write(chunks: readonly Buffer[], position: number): void {
    try {
      this.#use().write(chunks, position);
    } catch (error) {
      this.#pool.onRefused(this.#path, error);
      throw error;
    }
  }

  readSync(buffer: Buffer, position: number): number {
    return this.#use().readSync(buffer, position);
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    const file = this.#use();
    this.#callsUnderWay++;
    try {
      return await file.read(buffer, position);
    } finally {
      this.#callsUnderWay--;
    }
  }

  async sync(): Promise<void> {
    const file = this.#use();
    this.#callsUnderWay++;
    try {
      await file.sync();
    } finally {
      this.#callsUnderWay--;
    }
  }

  truncate(sizeBytes: number): void {
    this.#use().truncate(sizeBytes);
  }

  /**
   * Whether the name leads to what is open; true if that changed while it was looked at. Asked off
   * the event loop.
   */
  async isInPlace(): Promise<boolean> {
    const file = this.#file;
    const path = this.#path;
    const use = this.lastUse;
    if (file === null) return true;
    this.#callsUnderWay++;
    try {
      const [open, named] = [await file.identity(), await this.#pool.disk.identity(path)];
      const isSame = open === named;
      if (isSame) this.provenUse = use;
      return isSame || this.#file !== file || this.#path !== path || this.#isReleased;
    } finally {
      this.#callsUnderWay--;
    }
  }

  rename(target: string): void {
    this.#pool.disk.rename(this.#path, target);
    this.#path = target;
  }

  /** From now on its name may lead to another file, or to nothing: that is no loss. */
  disown(): void {
    this.#isReleased = true;
  }

  /** The same, and closes it. */
  release(): void {
    this.disown();
    this.close();
  }

  /** Reads and syncs under way finish first; the next use opens the file again. */
  close(): void {
    if (this.#file === null) return;
    this.#file.close();
    this.#file = null;
    this.#pool.onClosed(this);
  }

  #use(): File {
    this.lastUse = this.#pool.nextUse();
    if (this.#file === null) {
      this.#file = this.#openAgain();
      this.#pool.onOpened(this);
    }
    return this.#file;
  }

  #openAgain(): File {
    try {
      return this.#pool.open(this.#path, 'write');
    } catch (error) {
      if (!this.#isReleased && isLoss(error)) this.#pool.onLoss(this.#path, error as IoError);
      throw error;
    }
  }
}
