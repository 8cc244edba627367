// Descriptors for segment files under one bound for the whole process: a file is opened when it is
// first used and the files used least recently are closed, so that ten thousand partitions need no
// more descriptors than a few busy ones. A closed file is opened again by the next call.

import type { Disk, File } from '../io/index.ts';

export class OpenFiles {
  readonly disk: Disk;
  readonly #openMax: number;
  readonly #open = new Set<PooledFile>();
  #uses = 0;

  constructor(disk: Disk, openMax: number) {
    this.disk = disk;
    this.#openMax = openMax;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** A grown number on each call: the order of use. */
  nextUse(): number {
    return ++this.#uses;
  }

  onOpened(file: PooledFile): void {
    this.#open.add(file);
    if (this.#open.size > this.#openMax) this.#closeOldest(file);
  }

  onClosed(file: PooledFile): void {
    this.#open.delete(file);
  }

  /** Closes an eighth at once, so that the search for the oldest is rare. */
  #closeOldest(spared: PooledFile): void {
    const candidates = [...this.#open].filter((file) => file !== spared && !file.isBusy);
    candidates.sort((a, b) => a.lastUse - b.lastUse);
    const count = Math.max(1, Math.floor(this.#openMax / 8));
    for (const file of candidates.slice(0, count)) file.close();
  }
}

export class PooledFile {
  readonly #pool: OpenFiles;
  #path: string;
  #file: File | null = null;
  #callsUnderWay = 0;
  lastUse = 0;

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
    this.#file = this.#pool.disk.open(this.#path, 'create');
    this.lastUse = this.#pool.nextUse();
    this.#pool.onOpened(this);
    if (this.#file.sizeBytes() > 0) this.#file.truncate(0);
  }

  write(chunks: readonly Buffer[], position: number): void {
    this.#use().write(chunks, position);
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

  rename(target: string): void {
    this.#pool.disk.rename(this.#path, target);
    this.#path = target;
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
      this.#file = this.#pool.disk.open(this.#path, 'write');
      this.#pool.onOpened(this);
    }
    return this.#file;
  }
}
