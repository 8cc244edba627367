// Puts a cleaned segment into the place of those it was made from, so that a crash at any moment
// leaves either them or it:
//   1. its files are complete and durable under `.cleaned` (clean-group.ts)
//   2. they become `.swap`, durably: from now on a start finishes what is left to do
//   3. in one turn of the event loop the old files become `.deleted`, the new ones take their
//      names, and the log reads the new segment
//   4. the old files are removed after file.delete.delay.ms, for readers that still hold them

import { IoError } from '../../io/index.ts';
import { removeLater } from '../log/log-retention.ts';
import type { LogState } from '../log/log-state.ts';
import { LOG_SUFFIX, SEGMENT_SUFFIXES, SWAP_SUFFIX } from '../segment/log-files.ts';
import type { Segment } from '../segment/segment.ts';

/** The log's owner took it away (closed, deleted, truncated) or wants the cleaning to end. */
export class CleaningStopped extends Error {
  constructor() {
    super('the cleaning was stopped');
    this.name = 'CleaningStopped';
  }
}

/** A replacement that began and failed half-way: only a recovery can tell what is there. */
export class ReplacementFailed extends Error {
  constructor(cause: Error) {
    super(`cleaned segments could not take their place: ${cause.message}`, { cause });
    this.name = 'ReplacementFailed';
  }
}

/** Nothing of the cleaned segment is left; not where the folder may have another owner by now. */
export async function discardCleaned(
  log: LogState,
  cleaned: Segment,
  group: readonly Segment[],
): Promise<void> {
  cleaned.close();
  if (group.some(({ isGone }) => isGone)) return;
  try {
    // The log file last: it says that the others may be there, too.
    for (const suffix of [...SEGMENT_SUFFIXES].reverse()) {
      await log.io.disk.remove(cleaned.pathOf(suffix));
      if (group.some(({ isGone }) => isGone)) return;
    }
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    const path = cleaned.pathOf(LOG_SUFFIX);
    log.io.log.warn('the remains of a cleaning cannot be removed yet', { path, error });
  }
}

export async function replaceSegments(
  log: LogState,
  group: readonly Segment[],
  cleaned: Segment,
): Promise<void> {
  const { disk } = log.io;
  let paths: string[];
  try {
    cleaned.moveTo(SWAP_SUFFIX);
    await disk.syncDirectory(log.directory);
    // Closed or deleted meanwhile: the next start sees to the rest, if there is one.
    if (group.some(({ isGone }) => isGone)) throw new CleaningStopped();
    paths = log.list.replace(group, cleaned);
  } catch (error) {
    cleaned.close();
    if (error instanceof IoError) throw new ReplacementFailed(error);
    throw error;
  }
  const at = log.segments.indexOf(cleaned);
  log.tail.forgetBefore((log.segments[at + 1] as Segment).baseOffset);
  log.replacements++;
  log.isModified = true;
  log.isDirectoryBehind = true;
  removeLater(log, paths);
  try {
    await log.snapshots.removeAt(group.slice(1).map(({ baseOffset }) => baseOffset));
    if (!cleaned.isGone) await disk.syncDirectory(log.directory);
  } catch (error) {
    if (error instanceof IoError && !cleaned.isGone) throw new ReplacementFailed(error);
    throw error;
  }
}
