// The checkpoint files of a log directory, what they said of its logs at the start, and the logs
// that could not be opened: what is said of those is said again, as another start may open them.

import { type Io, IoError, type Log } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { LogDirectoryError } from './log-directory-error.ts';
import type { CheckpointedOffsets, OffsetCheckpoints } from './offset-checkpoints.ts';
import { folderName, type PartitionName } from './partition-folder.ts';

export const RECOVERY_POINTS = 'recovery-point-offset-checkpoint';
export const HIGH_WATERMARKS = 'replication-offset-checkpoint';
export const LOG_START_OFFSETS = 'log-start-offset-checkpoint';
export const CLEANED_OFFSETS = 'cleaner-offset-checkpoint';

/** What is wrong with one log, and not with the disk. */
const codesOfOneLog = new Set([
  ...['EACCES', 'EEXIST', 'EISDIR', 'ELOOP', 'ENOENT', 'ENOSPC', 'ENOTDIR', 'ENOTEMPTY', 'EPERM'],
]);

export interface FoundLogOffsets {
  /** undefined when the checkpoint is lost. */
  readonly recoveryPoint: number | undefined;
  readonly logStartOffset: number | undefined;
  readonly cleanedTo: number | undefined;
}

export class FoundOffsets {
  readonly recoveryPoints: CheckpointedOffsets;
  readonly #isCheckpointLost: boolean;
  readonly #startOffsets: CheckpointedOffsets;
  readonly #cleanedOffsets: CheckpointedOffsets;
  readonly #unopened = new Map<string, PartitionName>();
  readonly #log: Log;

  constructor(io: Io, checkpoints: OffsetCheckpoints) {
    this.#log = io.log.child('storage');
    this.recoveryPoints = checkpoints.read(RECOVERY_POINTS);
    this.#isCheckpointLost = !checkpoints.exists(RECOVERY_POINTS);
    this.#startOffsets = checkpoints.salvage(LOG_START_OFFSETS);
    this.#cleanedOffsets = checkpoints.read(CLEANED_OFFSETS);
  }

  of(folder: string): FoundLogOffsets {
    return {
      recoveryPoint: this.recoveryPoints.get(folder) ?? (this.#isCheckpointLost ? undefined : 0),
      logStartOffset: this.#startOffsets.get(folder),
      cleanedTo: this.#cleanedOffsets.get(folder),
    };
  }

  get unopened(): readonly PartitionName[] {
    return [...this.#unopened.values()];
  }

  /** Rethrows what is not the matter of this log alone. */
  onUnopened(name: PartitionName, path: string, error: unknown): void {
    const isOfLog =
      error instanceof KafkaError ||
      error instanceof LogDirectoryError ||
      (error instanceof IoError && codesOfOneLog.has(error.code));
    if (!isOfLog) throw error;
    this.#unopened.set(folderName(name.topic, name.partition), name);
    this.#log.error('a log cannot be opened: its partition is offline until the next start', {
      path,
      because: error.message,
    });
  }

  /** Adds what the file said of the logs that are not open. */
  addUnopened(file: string, offsets: Map<string, number>): void {
    const found = {
      [RECOVERY_POINTS]: this.recoveryPoints,
      [LOG_START_OFFSETS]: this.#startOffsets,
      [CLEANED_OFFSETS]: this.#cleanedOffsets,
    }[file];
    for (const folder of this.#unopened.keys()) {
      const offset = found?.get(folder);
      if (offset !== undefined && !offsets.has(folder)) offsets.set(folder, offset);
    }
  }
}
