// Which log directories this broker used before, by what it noted in those that are there and by
// its registration in the metadata, held against what it finds. An entry of log.dirs that is empty
// may be a disk that is not mounted: partitions that were made anew in it would take records, and
// there would be two histories when the disk comes back.
//
// Invariant: nothing is written before what is there was found to be all, or the operator said
// that the rest is lost.

import type { Uuid } from '../base/uuid.ts';
import { type Io, IoError, type Log } from '../io/index.ts';
import type { Metadata, MetadataImage } from '../metadata/index.ts';
import {
  type DirectoryNotes,
  type LogDirectory,
  LogDirectoryError,
  notesPath,
  type PartitionName,
  readNotes,
} from '../storage/index.ts';

const flag = '--accept-lost-log-dirs';

export interface KnownLogDirsOptions {
  /** log.dirs */
  readonly paths: readonly string[];
  /** The operator said that directories that are not there are lost. */
  readonly mayLose: boolean;
}

interface OpenedLogDirs {
  readonly directories: readonly LogDirectory[];
  readonly offlinePaths: readonly string[];
}

/** A directory that this broker registered and does not have. */
interface MissingDirectory {
  readonly directoryId: Uuid;
  /** null when nobody noted it. */
  readonly path: string | null;
}

export class KnownLogDirs {
  readonly #io: Io;
  readonly #log: Log;
  readonly #options: KnownLogDirsOptions;
  /** The notes that were written last. */
  readonly #notes: { readonly at: string; readonly notes: DirectoryNotes } | null;
  #missing: readonly MissingDirectory[] = [];
  /** Of directories that are there and were not registered. */
  #newPaths: readonly string[] = [];

  constructor(io: Io, options: KnownLogDirsOptions) {
    this.#io = io;
    this.#log = io.log.child('broker');
    this.#options = options;
    let newest: { at: string; notes: DirectoryNotes } | null = null;
    for (const at of options.paths) {
      const notes = unlessDiskFails(() => readNotes(io.disk, at));
      if (notes === null || notes.metadataOffset <= (newest?.notes.metadataOffset ?? -1)) continue;
      newest = { at: notesPath(at), notes };
    }
    this.#notes = newest;
  }

  /** To be called before any is opened. @throws LogDirectoryError */
  assertNoneIsEmptied(): void {
    for (const path of this.#options.paths) {
      const isNoted = Object.values(this.#notes?.notes.directories ?? {}).some(isSamePath(path));
      if (!isNoted || unlessDiskFails(() => this.#isEmpty(path)) !== true) continue;
      const what = this.#io.disk.stat(path) === null ? 'is missing' : 'is empty';
      this.#refuse(path, `log directory ${path} ${what}, but ${this.#notes?.at} notes its use`);
    }
  }

  #isEmpty(path: string): boolean {
    const { disk } = this.#io;
    if (disk.stat(path) === null) return true;
    // What a start makes before it knows, and what a file system brings with it.
    const own = ['.lock', 'lost+found'];
    return disk.list(path).every(({ name }) => own.includes(name));
  }

  /** Of the entries that could not be opened, what was noted: id to path. */
  offline(offlinePaths: readonly string[]): Record<Uuid, string> {
    const noted = Object.entries(this.#notes?.notes.directories ?? {});
    return Object.fromEntries(noted.filter(([, path]) => offlinePaths.some(isSamePath(path))));
  }

  /** @throws LogDirectoryError if another directory is in the place of one that was registered */
  async compareWith(metadata: Metadata, nodeId: number, found: OpenedLogDirs): Promise<void> {
    const { history } = metadata;
    const image = metadata.image();
    this.#assertRegisteredAreThere(image, nodeId, found);
    const newer = found.directories.find(({ notes }) => {
      return notes?.historyId === history.id && notes.metadataOffset > image.offset;
    });
    if (newer === undefined) return;
    const { path } = newer;
    this.#log.warn('the metadata are older than what this directory was used with', { path });
    await history.beginAnew(newer.notes?.metadataOffset ?? image.offset);
  }

  #assertRegisteredAreThere(image: MetadataImage, nodeId: number, found: OpenedLogDirs): void {
    const registered = image.brokers.get(nodeId)?.logDirs ?? [];
    const there = new Set(found.directories.map(({ meta }) => meta.directoryId));
    const isNew = ({ meta }: LogDirectory): boolean => !registered.includes(meta.directoryId);
    this.#newPaths = found.directories.filter(isNew).map(({ path }) => path);
    const missing = registered
      .filter((directoryId) => !there.has(directoryId))
      .map((directoryId) => {
        return { directoryId, path: this.#notes?.notes.directories[directoryId] ?? null };
      });
    this.#missing = missing.filter(({ path }) => {
      return path === null
        ? found.offlinePaths.length === 0
        : !found.offlinePaths.some(isSamePath(path));
    });
    for (const { directoryId, path } of this.#missing) {
      if (path === null || !this.#options.paths.some(isSamePath(path))) continue;
      const before = `this broker had the one with the id ${directoryId} there`;
      this.#refuse(path, `log directory ${path} is another one: ${before}`);
    }
  }

  /**
   * The partitions that are in no directory are about to be made.
   *
   * @throws LogDirectoryError if they may be in one that is missing
   */
  beforeMissingAreMade(partitions: readonly PartitionName[]): void {
    const [directory] = this.#missing;
    const [partition] = partitions;
    if (directory === undefined || partition === undefined) return;
    const { directoryId, path } = directory;
    const name = path === null ? `the log directory with the id ${directoryId}` : path;
    const others = partitions.length === 1 ? '' : ` and ${partitions.length - 1} others`;
    const what = `${partition.topic}-${partition.partition}${others}`;
    // Where nobody noted its path it may be one of these.
    const paths = path === null ? this.#newPaths : [];
    const hint = paths.length === 0 ? '' : ` (${paths.join(', ')} was not known before)`;
    this.#refuse(path ?? '', `${name} is not in log.dirs any more, and ${what} in no other${hint}`);
    const count = partitions.length;
    this.#log.warn('partitions of lost directories are made anew, without records', { count });
  }

  #refuse(path: string, problem: string): void {
    if (this.#options.mayLose) {
      this.#log.warn('a log directory is lost, and the broker goes on as it was told to', {
        problem,
      });
      return;
    }
    const remedy =
      'mount its disk or bring it back, or, if it is lost, start once with ' +
      `${flag}, which makes its partitions anew without their records`;
    throw new LogDirectoryError(path, `${problem}: ${remedy}`);
  }
}

function isSamePath(path: string): (other: string) => boolean {
  return (other) => withoutSlash(other) === withoutSlash(path);
}

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

/** What a disk refuses is said by whoever opens the directory. */
function unlessDiskFails<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof IoError) return null;
    throw error;
  }
}
