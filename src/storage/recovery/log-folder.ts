// The files of a log's folder at a start, after what an interrupted deletion or compaction left
// behind was finished or thrown away:
//   .deleted            removed
//   .cleaned            an unfinished compaction: removed, and the .swap files from there on too
//   .swap               a finished one: takes the place of the segments it covers
//   an index without its log file: removed
//   a directory that has the name of a file: gets another name

import type { Disk } from '../../io/index.ts';
import { keepDamaged } from '../files/damaged-file.ts';
import { type OpenFiles, PooledFile } from '../files/open-files.ts';
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  LOG_SUFFIX,
  type LogFileName,
  logFileName,
  parseLogFileName,
  SNAPSHOT_SUFFIX,
  SWAP_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../segment/log-files.ts';
import { scanBatches } from './log-scan.ts';

export interface LogFolder {
  /** Ascending. */
  readonly logs: { baseOffset: number; sizeBytes: number }[];
  readonly snapshotOffsets: number[];
  /** Base offsets of the segments that have a transaction index. */
  readonly aborting: ReadonlySet<number>;
}

export async function tidyLogFolder(
  disk: Disk,
  files: OpenFiles,
  directory: string,
): Promise<LogFolder> {
  let names = listLogFiles(disk, directory);
  if (names.some((name) => name.state !== '')) {
    await finishCompactions(disk, files, { directory, names });
    names = listLogFiles(disk, directory);
  }
  const logs: { baseOffset: number; sizeBytes: number }[] = [];
  const snapshotOffsets: number[] = [];
  const bases = new Set<number>();
  const aborting = new Set<number>();
  for (const { offset, suffix } of names) if (suffix === LOG_SUFFIX) bases.add(offset);
  for (const { offset, suffix } of names) {
    const path = `${directory}/${logFileName(offset, suffix)}`;
    if (suffix === LOG_SUFFIX) {
      logs.push({ baseOffset: offset, sizeBytes: disk.stat(path)?.sizeBytes ?? 0 });
    } else if (suffix === SNAPSHOT_SUFFIX) snapshotOffsets.push(offset);
    else if (!bases.has(offset)) await disk.remove(path);
    else if (suffix === TRANSACTION_INDEX_SUFFIX) aborting.add(offset);
  }
  logs.sort((a, b) => a.baseOffset - b.baseOffset);
  return { logs, snapshotOffsets, aborting };
}

function listLogFiles(disk: Disk, directory: string): LogFileName[] {
  const names: LogFileName[] = [];
  for (const { name, isDirectory } of disk.list(directory)) {
    const parsed = parseLogFileName(name);
    if (parsed === null || !Number.isSafeInteger(parsed.offset)) continue;
    // No file takes the place of a directory.
    if (isDirectory) keepDamaged(disk, `${directory}/${name}`);
    // It tells that there was an index, which is read from the batches then.
    if (!isDirectory || parsed.suffix === TRANSACTION_INDEX_SUFFIX) names.push(parsed);
  }
  return names;
}

async function finishCompactions(
  disk: Disk,
  files: OpenFiles,
  folder: { directory: string; names: readonly LogFileName[] },
): Promise<void> {
  const { directory, names } = folder;
  const pathOf = (name: LogFileName): string =>
    `${directory}/${logFileName(name.offset, name.suffix)}${name.state}`;
  const cleaned = names.filter((name) => name.state === CLEANED_SUFFIX);
  const firstCleaned = leastOffset(cleaned);
  const isDone = (name: LogFileName): boolean =>
    name.state === SWAP_SUFFIX && name.offset < firstCleaned;
  for (const name of names) {
    if (name.state === DELETED_SUFFIX) await disk.remove(pathOf(name));
    if (name.state === CLEANED_SUFFIX) await disk.remove(pathOf(name));
    if (name.state === SWAP_SUFFIX && !isDone(name)) await disk.remove(pathOf(name));
  }
  const swaps = names.filter(isDone);
  const logs = swaps.filter((name) => name.suffix === LOG_SUFFIX);
  // Several together stand for all that lies between the first and the end of the last.
  let end = Number.NEGATIVE_INFINITY;
  for (const swap of logs) {
    const file = { path: pathOf(swap), offset: swap.offset };
    end = Math.max(end, await endOffsetOf(disk, files, file));
  }
  const start = leastOffset(logs);
  const covered = names.filter(
    ({ state, suffix, offset }) =>
      state === '' && suffix !== SNAPSHOT_SUFFIX && offset >= start && offset < end,
  );
  for (const name of covered) await disk.remove(pathOf(name));
  // The log files first: while one is a .swap, indexes of its name are those of the old segment.
  for (const swap of [...logs, ...swaps.filter((name) => !logs.includes(name))]) {
    disk.rename(pathOf(swap), `${directory}/${logFileName(swap.offset, swap.suffix)}`);
  }
  await disk.syncDirectory(directory);
}

function leastOffset(names: readonly LogFileName[]): number {
  return names.reduce((least, { offset }) => Math.min(least, offset), Number.POSITIVE_INFINITY);
}

async function endOffsetOf(
  disk: Disk,
  files: OpenFiles,
  swap: { path: string; offset: number },
): Promise<number> {
  const file = new PooledFile(files, swap.path);
  let end = swap.offset + 1;
  try {
    await scanBatches(
      file,
      { from: 0, end: disk.stat(swap.path)?.sizeBytes ?? 0 },
      ({ header }) => {
        end = header.lastOffset + 1;
        return true;
      },
    );
  } finally {
    file.close();
  }
  return end;
}
