// Kafka's checkpoint files: a version line, a line with the number of entries, one entry a line.
// A file is replaced as a whole: written beside its name, made durable, renamed. Invariant: what
// is read is a number that may be one; whatever else a file holds is DamagedCheckpointError.

import { type Disk, IoError } from '../../io/index.ts';
import { keepDamaged } from '../files/damaged-file.ts';
import type { LeaderEpochEntry } from '../log/leader-epoch-cache.ts';

const INT32_MAX = 0x7fff_ffff;

export class DamagedCheckpointError extends Error {
  constructor(path: string, what: string) {
    super(`${path} is damaged (${what})`);
    this.name = 'DamagedCheckpointError';
  }
}

/**
 * Entries of a checkpoint file, a row of fields each; null if there is no file, or an empty one, as
 * Kafka makes before it has anything to say.
 */
export function readCheckpoint(disk: Disk, path: string, fieldCount: number): string[][] | null {
  const bytes = readCheckpointBytes(disk, path);
  if (bytes === null || bytes.length === 0) return null;
  const lines = bytes.toString('utf8').split('\n');
  if (lines[0]?.trim() !== '0') throw new DamagedCheckpointError(path, 'its version is not 0');
  const count = parseCount(lines[1], lines.length);
  if (count === null || count > lines.length - 2) {
    const promised = lines[1]?.slice(0, 20).trim();
    throw new DamagedCheckpointError(path, `it promises ${promised} entries`);
  }
  return lines.slice(2, 2 + count).map((line) => {
    const fields = line.trim().split(/\s+/);
    if (fields.length !== fieldCount) throw damagedLine(path, line);
    return fields;
  });
}

function readCheckpointBytes(disk: Disk, path: string): Buffer | null {
  try {
    return disk.readFile(path);
  } catch (error) {
    if (!(error instanceof IoError) || error.code !== 'EISDIR') throw error;
    // No file takes the place of a directory.
    keepDamaged(disk, path);
    throw new DamagedCheckpointError(path, 'it is a directory');
  }
}

function damagedLine(path: string, line: string): DamagedCheckpointError {
  const start = line.replaceAll(/[^ -~]/g, '?').slice(0, 60);
  return new DamagedCheckpointError(path, `the line "${start}"`);
}

/** null unless the text is a whole number from 0 up to the largest one given. */
function parseCount(text: string | undefined, max = Number.MAX_SAFE_INTEGER): number | null {
  const trimmed = text?.trim() ?? '';
  if (!/^\d{1,16}$/.test(trimmed)) return null;
  const value = Number(trimmed);
  return value <= max ? value : null;
}

export function checkpointBytes(rows: readonly (readonly (string | number)[])[]): Buffer {
  const lines = rows.map((row) => `${row.join(' ')}\n`);
  return Buffer.from(`0\n${rows.length}\n${lines.join('')}`);
}

/** After a crash the file is as it was or as it is now, and never half of one. */
export async function replaceFile(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  const written = `${path}.tmp`;
  const file = disk.open(written, 'create');
  try {
    file.truncate(0);
    file.write([bytes], 0);
    await file.sync();
  } finally {
    file.close();
  }
  disk.rename(written, path);
  await disk.syncDirectory(path.slice(0, path.lastIndexOf('/')));
}

/** Offsets by `topic-partition`; the files of a log directory. */
export function readOffsetCheckpoint(disk: Disk, path: string): Map<string, number> {
  const offsets = new Map<string, number>();
  for (const row of readCheckpoint(disk, path, 3) ?? []) {
    const [topic, partition, offset] = row;
    const value = parseCount(offset);
    if (value === null || parseCount(partition, INT32_MAX) === null) {
      throw damagedLine(path, row.join(' '));
    }
    offsets.set(`${topic}-${partition}`, value);
  }
  return offsets;
}

/** Of a file that is damaged: what its lines say that can be read. */
export function salvageOffsetCheckpoint(disk: Disk, path: string): Map<string, number> {
  const offsets = new Map<string, number>();
  if (disk.stat(path)?.isDirectory !== false) return offsets;
  for (const line of disk.readFile(path)?.toString('utf8').split('\n') ?? []) {
    const match = /^([a-zA-Z0-9._-]{1,249}) (\d{1,10}) (\d{1,16})$/.exec(line.trim());
    const value = parseCount(match?.[3]);
    if (match !== null && value !== null) offsets.set(`${match[1]}-${match[2]}`, value);
  }
  return offsets;
}

export function offsetCheckpointBytes(offsets: ReadonlyMap<string, number>): Buffer {
  return checkpointBytes(
    Array.from(offsets, ([name, offset]) => {
      const dash = name.lastIndexOf('-');
      return [name.slice(0, dash), name.slice(dash + 1), offset];
    }),
  );
}

/** null if there is no file. */
export function readEpochCheckpoint(disk: Disk, path: string): LeaderEpochEntry[] | null {
  const rows = readCheckpoint(disk, path, 2);
  if (rows === null) return null;
  return rows.map((row) => {
    const [epoch, startOffset] = [parseCount(row[0], INT32_MAX), parseCount(row[1])];
    if (epoch === null || startOffset === null) throw damagedLine(path, row.join(' '));
    return { epoch, startOffset };
  });
}

export function epochCheckpointBytes(entries: readonly LeaderEpochEntry[]): Buffer {
  return checkpointBytes(entries.map(({ epoch, startOffset }) => [epoch, startOffset]));
}
