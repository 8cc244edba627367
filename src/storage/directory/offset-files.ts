// The checkpoint files of a log directory, and what each of them says of a log.

import type { PartitionLog } from '../log/partition-log.ts';

export const RECOVERY_POINTS = 'recovery-point-offset-checkpoint';
export const HIGH_WATERMARKS = 'replication-offset-checkpoint';
export const LOG_START_OFFSETS = 'log-start-offset-checkpoint';
export const CLEANED_OFFSETS = 'cleaner-offset-checkpoint';

/** null: nothing. */
const offsetIn = {
  [RECOVERY_POINTS]: (log: PartitionLog) => log.recoveryPoint,
  // Only what the first segment's name does not say already.
  [LOG_START_OFFSETS]: (log: PartitionLog) => (log.startsAtSegment ? null : log.logStartOffset),
  [CLEANED_OFFSETS]: (log: PartitionLog) => log.cleanedTo,
};

type OffsetFile = keyof typeof offsetIn;

/** By folder; those of logs that could not be opened as they were found. */
export function offsetsFor(
  file: OffsetFile,
  logs: Iterable<[folder: string, opened: { readonly log: PartitionLog }]>,
  found: { addUnopened(file: string, offsets: Map<string, number>): void } | null,
): Map<string, number> {
  const offsets = new Map<string, number>();
  for (const [folder, { log }] of logs) {
    const offset = offsetIn[file](log);
    if (offset !== null) offsets.set(folder, offset);
  }
  found?.addUnopened(file, offsets);
  return offsets;
}
