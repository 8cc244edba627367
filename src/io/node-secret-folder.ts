// A folder of small files that only their owner may read: keys and passwords. Loaded only by who
// keeps some.
//
// Invariants: folder and files are this user's and nobody else's to read or write, whoever made
// them and whatever the umask is; a name holds a whole file or none, and a power cut changes
// nothing of that; one process at a time writes.

import {
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { IoError } from './io.ts';
import { ioError } from './node-error.ts';
import { takeLock } from './node-lock.ts';

export interface SecretFolder {
  readonly path: string;
  /** null: there is no such file. */
  read(name: string): string | null;
  /** Puts it in the place of what was there. */
  write(name: string, text: string): void;
  /** Others may write. */
  release(): void;
}

const others = 0o077;

/**
 * Makes the folder, and holds it until `release`.
 * @throws IoError: it belongs to somebody else (EACCES), is in use (EBUSY), or cannot be written
 */
export function openSecretFolder(path: string): SecretFolder {
  return attempt(`use the folder ${path}`, () => {
    mkdirSync(dirname(path), { recursive: true });
    try {
      mkdirSync(path, { mode: 0o700 });
      syncFolder(dirname(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    assertOwn(path, 'directory');
    const lock = takeLock(`${path}/.lock`);
    if (lock === null) {
      const why = 'another process is writing there: try again when it has ended';
      throw new IoError('EBUSY', `cannot use the folder ${path}: ${why}`);
    }
    return {
      path,
      read: (name) => readSecret(`${path}/${name}`),
      write: (name, text) => writeSecret(path, name, text),
      release: () => lock.release(),
    };
  });
}

/** What is in a file of such a folder; null: there is none. @throws IoError */
export function readSecret(path: string): string | null {
  try {
    return attempt(`read ${path}`, () => {
      assertOwn(path, 'file');
      return readFileSync(path, 'utf8');
    });
  } catch (error) {
    if (error instanceof IoError && error.code === 'ENOENT') return null;
    throw error;
  }
}

function writeSecret(folder: string, name: string, text: string): void {
  const path = `${folder}/${name}`;
  attempt(`write ${path}`, () => {
    const written = `${path}.tmp`;
    // Left over by a process that was killed.
    rmSync(written, { force: true });
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    const descriptor = openSync(written, flags, 0o600);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(written, path);
    syncFolder(folder);
  });
}

/** Of another user's it could be exchanged; what others may read is shut. */
function assertOwn(path: string, kind: 'directory' | 'file'): void {
  const found = lstatSync(path);
  const { uid, mode } = found;
  const isOfKind = kind === 'directory' ? found.isDirectory() : found.isFile();
  if (!isOfKind) throw new IoError('ENOTDIR', `${path} is no ${kind}: move it away`);
  const own = process.getuid?.() ?? uid;
  if (uid !== own) {
    const remedy = `user ${own} runs this process: move it away, or start as its owner`;
    throw new IoError('EACCES', `${path} belongs to user ${uid}, and ${remedy}`);
  }
  if ((mode & others) !== 0) chmodSync(path, mode & 0o777 & ~others);
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function attempt<T>(action: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof IoError) throw error;
    throw ioError(action, error);
  }
}
