// An exclusive lock on a path, kept until release or the death of the process. Node offers no
// flock, so the lock is a file that names its owner: process id, start time of that process (a
// process id is used again), boot, process namespace and a nonce.
//
// Why exactly one of several starts wins, whatever is killed when:
// - A lock file appears complete: it is written under another name and linked to its own.
// - A file whose owner lives is removed by nobody but its owner.
// - A file S of a dead owner is replaced only by who holds the lock on `<path>.<nonce of S>` and
//   saw S still in place while holding it. As S has no owner left to remove it and nobody else
//   may replace it, it is still there at the moment of the rename.
// - That second lock is taken by the same rules, so a kill in the middle of a takeover leaves
//   something that the next start can take over, too.
// - An owner in another container or on another machine cannot be asked for: it lives as long as
//   it keeps touching its file.
// - Apache Kafka leaves an empty file for ever and locks it with fcntl: Linux says whether it does.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  linkSync,
  openSync,
  readFile,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  unlinkSync,
  utimes,
  writeFileSync,
} from 'node:fs';
import type { DiskLock } from './io.ts';
import { ioError } from './node-error.ts';

const touchMs = 1_000;
/** An owner we cannot ask for is dead when its file was not touched for so long. */
const silenceMsMax = 6_000;
const systemLocks = '/proc/locks';

interface Owner {
  readonly pid: number;
  /** Clock ticks since boot; '-' where the system does not tell. */
  readonly startTime: string;
  /** Where the process id has a meaning: boot and process namespace. */
  readonly realm: string;
  readonly nonce: string;
}

export function takeLock(path: string): DiskLock | null {
  try {
    const owner = acquire(path);
    return owner === null ? null : keep(path, owner);
  } catch (error) {
    throw ioError(`lock ${path}`, error);
  }
}

function acquire(path: string): Owner | null {
  const owner = ourselves();
  const draft = `${path}.${owner.nonce}.new`;
  writeFileSync(draft, JSON.stringify(owner), { flag: 'wx' });
  try {
    for (;;) {
      if (linkAs(draft, path)) return owner;
      const found = readIfThere(path);
      if (found === null) continue;
      const rival = parseOwner(found);
      if (isAlive(path, rival, draft)) return null;
      const guardPath = `${path}.${rival?.nonce ?? 'unreadable'}`;
      const guard = acquire(guardPath);
      // Another start is taking over right now; it will win.
      if (guard === null) return null;
      try {
        if (readIfThere(path) !== found) continue;
        renameSync(draft, path);
        return owner;
      } finally {
        unlinkSync(guardPath);
      }
    }
  } finally {
    removeIfThere(draft);
  }
}

/** False if the path exists. */
function linkAs(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    return createAs(readFileSync(draft, 'utf8'), path);
  }
}

/** For filesystems without hard links: the file is incomplete for a moment (see isAlive). */
function createAs(content: string, path: string): boolean {
  try {
    const descriptor = openSync(path, 'wx', 0o644);
    writeFileSync(descriptor, content);
    closeSync(descriptor);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function keep(path: string, owner: Owner): DiskLock {
  const content = JSON.stringify(owner);
  let touching: Promise<boolean> | null = null;
  // One at a time: a disk that does not answer keeps one thread waiting, and no more.
  const touch = (): Promise<boolean> => {
    touching ??= touchIfOurs(path, content).finally(() => {
      touching = null;
    });
    return touching;
  };
  let wasAsked = false;
  const timer = setInterval(() => {
    // Only owners elsewhere look at the time. Who must know whether we hold it asks `isHeld`.
    if (!wasAsked) touch().catch(() => {});
    wasAsked = false;
  }, touchMs);
  timer.unref();
  let isReleased = false;
  return {
    isHeld: async () => {
      wasAsked = true;
      try {
        return !isReleased && (await touch());
      } catch (error) {
        throw ioError(`touch ${path}`, error);
      }
    },
    release: () => {
      if (isReleased) return;
      isReleased = true;
      clearInterval(timer);
      try {
        if (readIfThere(path) === content) removeIfThere(path);
      } catch (error) {
        // It goes with this process, wherever its file is.
        throw ioError(`release ${path}`, error);
      }
    },
  };
}

/** Off the event loop, as it is done again and again. */
function touchIfOurs(path: string, content: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onDone = (error: NodeJS.ErrnoException | null): void => {
      if (error === null) resolve(true);
      else if (error.code === 'ENOENT') resolve(false);
      else reject(error);
    };
    readFile(path, 'utf8', (error, found) => {
      if (error !== null) onDone(error);
      else if (found !== content) resolve(false);
      else utimes(path, Date.now() / 1000, Date.now() / 1000, onDone);
    });
  });
}

function isAlive(path: string, owner: Owner | null, draft: string): boolean {
  if (owner !== null && owner.realm === realm() && owner.realm !== '') {
    const startTime = startTimeOf(owner.pid);
    return startTime !== null && startTime === owner.startTime;
  }
  if (owner === null && isOfKafka(path, draft)) return isLockedBySystem(path);
  try {
    // The draft was written a moment ago: its time is "now" by the clock of the same filesystem.
    return statSync(draft).mtimeMs - statSync(path).mtimeMs < silenceMsMax;
  } catch (error) {
    // Released meanwhile: not alive, and the caller finds the path changed.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** An empty file, where ours appear complete: on a filesystem with hard links. */
function isOfKafka(path: string, draft: string): boolean {
  if (readIfThere(path) !== '' || readIfThere(systemLocks) === null) return false;
  const probe = `${draft}.link`;
  try {
    linkSync(draft, probe);
    unlinkSync(probe);
    return true;
  } catch {
    return false;
  }
}

function isLockedBySystem(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && isAmongLocks(readIfThere(systemLocks) ?? '', found.ino);
}

/** Whether `/proc/locks` has it: `1: POSIX  ADVISORY  WRITE 31652 fe:00:10150184 0 EOF`. */
export function isAmongLocks(locks: string, inode: number): boolean {
  return locks.split('\n').some((line) => line.split(/\s+/)[5]?.split(':')[2] === `${inode}`);
}

function ourselves(): Owner {
  return {
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? '-',
    realm: realm(),
    nonce: randomBytes(6).toString('hex'),
  };
}

let ownRealm: string | undefined;

function realm(): string {
  ownRealm ??= `${firstLine('/proc/sys/kernel/random/boot_id')} ${namespaceOfProcesses()}`.trim();
  if (ownRealm === '' && process.platform !== 'linux') ownRealm = process.platform;
  return ownRealm;
}

function namespaceOfProcesses(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // No such thing on this system, or not ours to see: the boot alone has to do.
    return '';
  }
}

function firstLine(path: string): string {
  return (readIfThere(path) ?? '').split('\n', 1)[0] as string;
}

/** null if there is no such process; '-' if it lives but its start time is unknown. */
function startTimeOf(pid: number): string | null {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, as somebody else.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return null;
  }
  const line = firstLine(`/proc/${pid}/stat`);
  if (line === '') return '-';
  // The second field is the command in parentheses and may hold anything. State is field 3, start
  // time field 22. A zombie only waits for its parent to notice: it holds nothing any more.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? '-');
}

function parseOwner(content: string): Owner | null {
  try {
    const owner = JSON.parse(content) as Partial<Owner> | null;
    const isWhole =
      typeof owner?.pid === 'number' &&
      typeof owner.startTime === 'string' &&
      typeof owner.realm === 'string' &&
      /^[0-9a-f]{12}$/.test(owner.nonce ?? '');
    return isWhole ? (owner as Owner) : null;
  } catch {
    return null;
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
