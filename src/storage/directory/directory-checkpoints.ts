// The checkpoints of a log directory: for each log, to where it is synced, where it begins, where
// the next cleaning of it begins, and its high watermark.
//
// Invariants: a file says what is true of every log that is open when it is written, and of those
// that could not be opened what was found; it is there before the first log is made, so that a
// start can tell a log that was never synced from a checkpoint that was lost.

import type { Io } from '../../io/index.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { type CheckpointedOffsets, OffsetCheckpoints } from './offset-checkpoints.ts';
import {
  CLEANED_OFFSETS,
  FoundOffsets,
  HIGH_WATERMARKS,
  LOG_START_OFFSETS,
  RECOVERY_POINTS,
} from './offset-files.ts';
import type { PartitionName } from './partition-folder.ts';

/** What each file says of a log; null: nothing. */
const offsetIn = {
  [RECOVERY_POINTS]: (log: PartitionLog) => log.recoveryPoint,
  // Only what the first segment's name does not say already.
  [LOG_START_OFFSETS]: (log: PartitionLog) => (log.startsAtSegment ? null : log.logStartOffset),
  [CLEANED_OFFSETS]: (log: PartitionLog) => log.cleanedTo,
};

type OffsetFile = keyof typeof offsetIn;

export interface DirectoryCheckpointsOptions {
  readonly path: string;
  /** The logs that are open now, by folder. */
  readonly logs: ReadonlyMap<string, { readonly log: PartitionLog }>;
  /** Told of each write that failed, beside who asked for it. */
  readonly onRefused: (error: unknown) => void;
}

export class DirectoryCheckpoints {
  /** replication-offset-checkpoint as it was found, by `topic-partition`. */
  readonly foundHighWatermarks: ReadonlyMap<string, number>;
  readonly #io: Io;
  readonly #files: OffsetCheckpoints;
  readonly #logs: DirectoryCheckpointsOptions['logs'];
  /** null until the logs are opened that are there at a start. */
  #found: FoundOffsets | null = null;
  #first: Promise<void> | null = null;

  constructor(io: Io, { path, logs, onRefused }: DirectoryCheckpointsOptions) {
    this.#io = io;
    this.#files = new OffsetCheckpoints(io, path, onRefused);
    this.#logs = logs;
    this.foundHighWatermarks = this.#files.read(HIGH_WATERMARKS);
  }

  /** What the files say now, at a start. */
  find(): FoundOffsets {
    this.#found = new FoundOffsets(this.#io, this.#files);
    return this.#found;
  }

  /** Partitions whose logs are here and could not be opened. */
  get unopened(): readonly PartitionName[] {
    return this.#found?.unopened ?? [];
  }

  /** Recovery points and start offsets. */
  async writeOffsets(): Promise<void> {
    for (const file of [RECOVERY_POINTS, LOG_START_OFFSETS] as const) {
      await this.#files.writeLatest(file, () => this.#offsetsFor(file));
    }
  }

  async writeCleanedOffsets(): Promise<void> {
    await this.#files.write(CLEANED_OFFSETS, () => this.#offsetsFor(CLEANED_OFFSETS));
  }

  async writeHighWatermarks(highWatermarks: CheckpointedOffsets): Promise<void> {
    await this.#files.write(HIGH_WATERMARKS, () => highWatermarks);
  }

  /** For a log that goes back: everything that is said of where it had been. */
  async writeAroundCut(): Promise<void> {
    await this.writeOffsets();
    const wasCleaned = [...this.#logs.values()].some(({ log }) => log.cleanedTo !== null);
    if (wasCleaned) await this.writeCleanedOffsets();
  }

  /** To be called before a log is made. */
  maybeWriteFirst(): Promise<void> {
    if (this.#first === null) {
      const exists = this.#files.exists(RECOVERY_POINTS);
      this.#first = exists ? Promise.resolve() : this.writeOffsets();
      this.#first.catch(() => {
        this.#first = null;
      });
    }
    return this.#first;
  }

  /** The name is about to be another log's than the one that the files may speak of. */
  async forget(folder: string): Promise<void> {
    for (const file of [RECOVERY_POINTS, LOG_START_OFFSETS, CLEANED_OFFSETS] as const) {
      await this.#files.forget(file, folder, () => this.#offsetsFor(file));
    }
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#files.settled();
  }

  #offsetsFor(file: OffsetFile): Map<string, number> {
    const offsets = new Map<string, number>();
    for (const [folder, { log }] of this.#logs) {
      const offset = offsetIn[file](log);
      if (offset !== null) offsets.set(folder, offset);
    }
    this.#found?.addUnopened(file, offsets);
    return offsets;
  }
}
