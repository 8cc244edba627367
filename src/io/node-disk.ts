// Real files. Names and descriptors go through synchronous calls; reads of content, syncs and
// removals through the thread pool. Invariant: a descriptor is closed only when no call on it is
// under way, because the system may give its number to the next file that is opened.

import {
  type BigIntStats,
  closeSync,
  constants,
  fdatasync,
  fstat,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rm,
  stat as statAsync,
  statfsSync,
  statSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { type DirectoryEntry, type Disk, type File, type FileStat, IoError } from './io.ts';
import { ioError } from './node-error.ts';
import { takeLock } from './node-lock.ts';

/** Linux refuses a writev of more chunks (IOV_MAX). */
const chunkCountMax = 1024;

const openFlags = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
};

export const nodeDisk: Disk = {
  makeDirectory,
  list,
  stat,
  rename: (source, target) => {
    attempt(`rename ${source} to ${target}`, () => renameSync(source, target));
  },
  open: (path, mode) => {
    const descriptor = attempt(`open ${path}`, () => openSync(path, openFlags[mode], 0o644));
    return new NodeFile(path, descriptor);
  },
  readFile: (path, bytesMax) =>
    orNull(`read ${path}`, () =>
      bytesMax === undefined ? readFileSync(path) : readBounded(path, bytesMax),
    ),
  remove,
  syncDirectory,
  lock: takeLock,
  space: (path) => {
    const space = attempt(`stat the filesystem of ${path}`, () => statfsSync(path));
    const { bsize, blocks, bavail } = space;
    return { totalBytes: bsize * blocks, usableBytes: bsize * bavail };
  },
  descriptorsMax,
  identity,
  get answerCount() {
    return answerCount;
  },
};

let answerCount = 0;

function attempt<T>(action: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw ioError(action, error);
  }
}

function orNull<T>(action: string, call: () => T): T | null {
  try {
    return call();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw ioError(action, error);
  }
}

/**
 * To open a pipe waits for who writes to it, and what a device or the kernel gives may have no end:
 * looked at before it is opened, and read without waiting, as far as it may go.
 */
function readBounded(path: string, bytesMax: number): Buffer {
  const found = statSync(path);
  if (found.isDirectory()) throw refusal('EISDIR', 'it is a directory');
  if (!found.isFile()) throw refusal('ENOTSUP', 'it is a pipe, a socket or a device');
  if (found.size > bytesMax) throw refusal('EFBIG', `it has more than ${bytesMax} bytes`);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    // Files of the kernel have no size before they are read.
    const buffer = Buffer.allocUnsafe(Math.min(bytesMax, Math.max(found.size, 65_536)) + 1);
    let length = 0;
    for (let count = 1; count > 0 && length < buffer.length; length += count) {
      count = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    if (length < buffer.length) return buffer.subarray(0, length);
    throw refusal('EFBIG', 'it has more bytes than its size says');
  } finally {
    closeSync(descriptor);
  }
}

function refusal(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function makeDirectory(path: string, parents: 'made' | 'there' = 'made'): void {
  attempt(`create directory ${path}`, () => {
    if (parents === 'made') mkdirSync(path, { recursive: true });
    else if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) mkdirSync(path);
  });
}

function identity(path: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    statAsync(path, { bigint: true }, (error, found) => {
      answerCount++;
      if (error === null) resolve(identityOf(found));
      else if (error.code === 'ENOENT') resolve(null);
      else reject(ioError(`stat ${path}`, error));
    });
  });
}

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** Node raises the limit as far as it may when it starts, so that the first number is the one. */
function descriptorsMax(): number {
  const limits = orNull('read the limits of the process', readLimits) ?? '';
  const found = /^Max open files +(\d+)/m.exec(limits);
  return found === null ? Number.POSITIVE_INFINITY : Number(found[1]);
}

/** In one read: a start waits for it, and of a file without a size readFileSync makes several. */
function readLimits(): string {
  const fd = openSync('/proc/self/limits', 'r');
  try {
    const buffer = Buffer.allocUnsafe(4096);
    return buffer.toString('latin1', 0, readSync(fd, buffer));
  } finally {
    closeSync(fd);
  }
}

function list(path: string): DirectoryEntry[] {
  const entries = attempt(`list ${path}`, () => readdirSync(path, { withFileTypes: true }));
  return entries.map((entry) => ({
    name: entry.name,
    // A link counts as what it points to: data directories are often linked to other volumes.
    isDirectory: entry.isSymbolicLink()
      ? (stat(`${path}/${entry.name}`)?.isDirectory ?? false)
      : entry.isDirectory(),
  }));
}

function stat(path: string): FileStat | null {
  const found = orNull(`stat ${path}`, () => statSync(path));
  if (found === null) return null;
  return {
    sizeBytes: found.size,
    isDirectory: found.isDirectory(),
    modifiedMs: Math.floor(found.mtimeMs),
  };
}

function remove(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    rm(path, { recursive: true, force: true }, (error) => {
      answerCount++;
      if (error === null) resolve();
      else reject(ioError(`remove ${path}`, error));
    });
  });
}

function syncDirectory(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const action = `sync directory ${path}`;
    const descriptor = attempt(action, () => openSync(path, constants.O_RDONLY));
    fsync(descriptor, (error) => {
      answerCount++;
      closeSync(descriptor);
      if (error === null) resolve();
      else reject(ioError(action, error));
    });
  });
}

class NodeFile implements File {
  readonly path: string;
  readonly #descriptor: number;
  #callsUnderWay = 0;
  #isClosed = false;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  write(chunks: readonly Buffer[], position: number): void {
    this.#assertOpen('write');
    try {
      if (chunks.length === 1) this.#writeOne(chunks[0] as Buffer, position);
      else this.#writeMany(chunks, position);
    } catch (error) {
      throw ioError(`write ${this.path}`, error);
    }
  }

  #writeOne(chunk: Buffer, position: number): void {
    let done = 0;
    while (done < chunk.length) {
      done += writeSync(this.#descriptor, chunk, done, chunk.length - done, position + done);
    }
  }

  #writeMany(chunks: readonly Buffer[], position: number): void {
    let at = position;
    for (let first = 0; first < chunks.length; first += chunkCountMax) {
      const group = chunks.slice(first, first + chunkCountMax);
      const written = writevSync(this.#descriptor, group, at);
      at += written;
      // A disk that is nearly full or a signal may cut a writev short: finish chunk by chunk.
      at = this.#writeRest(group, written, at);
    }
  }

  #writeRest(group: readonly Buffer[], written: number, position: number): number {
    let skipped = written;
    let at = position;
    for (const chunk of group) {
      if (skipped >= chunk.length) {
        skipped -= chunk.length;
        continue;
      }
      this.#writeOne(chunk.subarray(skipped), at);
      at += chunk.length - skipped;
      skipped = 0;
    }
    return at;
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    this.#assertOpen('read');
    this.#callsUnderWay++;
    try {
      let done = 0;
      while (done < buffer.length) {
        const count = await this.#readSome(buffer, done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    } finally {
      this.#onCallDone();
    }
  }

  #readSome(buffer: Buffer, offset: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const length = buffer.length - offset;
      read(this.#descriptor, buffer, offset, length, position, (error, count) => {
        answerCount++;
        if (error === null) resolve(count);
        else reject(ioError(`read ${this.path}`, error));
      });
    });
  }

  readSync(buffer: Buffer, position: number): number {
    this.#assertOpen('read');
    return attempt(`read ${this.path}`, () => {
      let done = 0;
      while (done < buffer.length) {
        const left = buffer.length - done;
        const count = readSync(this.#descriptor, buffer, done, left, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    });
  }

  sizeBytes(): number {
    this.#assertOpen('stat');
    return attempt(`stat ${this.path}`, () => fstatSync(this.#descriptor).size);
  }

  async identity(): Promise<string> {
    this.#assertOpen('stat');
    this.#callsUnderWay++;
    try {
      return await new Promise((resolve, reject) => {
        fstat(this.#descriptor, { bigint: true }, (error, found) => {
          answerCount++;
          if (error === null) resolve(identityOf(found));
          else reject(ioError(`stat ${this.path}`, error));
        });
      });
    } finally {
      this.#onCallDone();
    }
  }

  truncate(sizeBytes: number): void {
    this.#assertOpen('truncate');
    attempt(`truncate ${this.path}`, () => ftruncateSync(this.#descriptor, sizeBytes));
  }

  async sync(): Promise<void> {
    this.#assertOpen('sync');
    this.#callsUnderWay++;
    try {
      await new Promise<void>((resolve, reject) => {
        fdatasync(this.#descriptor, (error) => {
          answerCount++;
          if (error === null) resolve();
          else reject(ioError(`sync ${this.path}`, error));
        });
      });
    } finally {
      this.#onCallDone();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#callsUnderWay === 0) this.#closeDescriptor();
  }

  #onCallDone(): void {
    this.#callsUnderWay--;
    if (this.#isClosed && this.#callsUnderWay === 0) this.#closeDescriptor();
  }

  #closeDescriptor(): void {
    attempt(`close ${this.path}`, () => closeSync(this.#descriptor));
  }

  #assertOpen(action: string): void {
    if (this.#isClosed) {
      throw new IoError('EBADF', `cannot ${action} ${this.path}: the file is closed (EBADF)`);
    }
  }
}
