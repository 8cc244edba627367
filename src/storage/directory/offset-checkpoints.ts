// The checkpoint files of a log directory that name an offset for each of its logs, by folder.
//
// A file that is damaged is as good as none: what it says can be found out again, at the cost of
// scans. Of the start offsets, which cannot, what can still be read is kept.
//
// Invariants: files are written one after the other, each with what is true when its turn comes; a
// file says nothing about a log that had the folder's name before the one that has it now.

import type { Disk, Io, Log } from '../../io/index.ts';
import {
  DamagedCheckpointError,
  offsetCheckpointBytes,
  readOffsetCheckpoint,
  replaceFile,
  salvageOffsetCheckpoint,
} from './checkpoint-file.ts';

export type CheckpointedOffsets = ReadonlyMap<string, number>;

export class OffsetCheckpoints {
  readonly #disk: Disk;
  readonly #directory: string;
  /** What each file said when it was last read or written. */
  readonly #known = new Map<string, CheckpointedOffsets>();
  /** Files that were damaged when they were read. */
  readonly #damaged = new Set<string>();
  readonly #log: Log;
  /** Told of each write that failed, beside who asked for it. */
  readonly #onRefused: (error: unknown) => void;
  #writing: Promise<void> = Promise.resolve();
  /** Writes that have not begun. */
  readonly #queued = new Map<string, Promise<void>>();

  constructor(
    io: Pick<Io, 'disk' | 'log'>,
    directory: string,
    onRefused: (error: unknown) => void = () => {},
  ) {
    this.#disk = io.disk;
    this.#log = io.log.child('storage');
    this.#onRefused = onRefused;
    this.#directory = directory;
  }

  /** Kafka makes the files before it has anything to say: an empty one is as good as none. */
  exists(file: string): boolean {
    if (this.#damaged.has(file)) return false;
    return (this.#disk.stat(this.#pathOf(file))?.sizeBytes ?? 0) > 0;
  }

  /** By folder; empty if there is no such file, or it is damaged. */
  read(file: string): CheckpointedOffsets {
    const offsets = this.#readWhole(file) ?? new Map();
    this.#known.set(file, offsets);
    return offsets;
  }

  /** As read(), but keeps what can be read of a damaged file. */
  salvage(file: string): CheckpointedOffsets {
    const whole = this.#readWhole(file);
    const offsets = whole ?? salvageOffsetCheckpoint(this.#disk, this.#pathOf(file));
    this.#known.set(file, offsets);
    return offsets;
  }

  #readWhole(file: string): CheckpointedOffsets | null {
    const path = this.#pathOf(file);
    try {
      return readOffsetCheckpoint(this.#disk, path);
    } catch (error) {
      if (!(error instanceof DamagedCheckpointError)) throw error;
      this.#log.warn('a checkpoint is written anew', { because: error.message });
      this.#damaged.add(file);
      return null;
    }
  }

  write(file: string, offsets: () => CheckpointedOffsets): Promise<void> {
    return this.#next(() => this.#replace(file, offsets()));
  }

  /** As `write`, once for all who ask before it begins: `offsets` gives what is true then. */
  writeLatest(file: string, offsets: () => CheckpointedOffsets): Promise<void> {
    let queued = this.#queued.get(file);
    if (queued === undefined) {
      queued = this.write(file, () => {
        this.#queued.delete(file);
        return offsets();
      });
      this.#queued.set(file, queued);
    }
    return queued;
  }

  /**
   * A new log is going to have the folder's name: a file that names an earlier one is written
   * anew, or a start after a crash would take that one's offsets for this one's.
   */
  forget(file: string, folder: string, offsets: () => CheckpointedOffsets): Promise<void> {
    return this.#next(async () => {
      const known = this.#known.get(file) ?? this.read(file);
      if (known.has(folder)) await this.#replace(file, offsets());
    });
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #next(write: () => Promise<void>): Promise<void> {
    const written = this.#writing.then(write);
    this.#writing = written.catch((error: unknown) => this.#onRefused(error));
    return written;
  }

  async #replace(file: string, offsets: CheckpointedOffsets): Promise<void> {
    // Until it is known which of them is on disk, either may be.
    this.#known.set(file, new Map([...(this.#known.get(file) ?? []), ...offsets]));
    await replaceFile(this.#disk, this.#pathOf(file), offsetCheckpointBytes(offsets));
    this.#known.set(file, offsets);
    this.#damaged.delete(file);
  }

  #pathOf(file: string): string {
    return `${this.#directory}/${file}`;
  }
}
