// Kafka's checkpoint files: a version line, a line with the number of entries, one entry a line.
// A file is replaced as a whole: written beside its name, made durable, renamed.

import type { Disk } from '../io/index.ts';
import type { LeaderEpochEntry } from './leader-epoch-cache.ts';

export class DamagedCheckpointError extends Error {
  constructor(path: string, what: string) {
    super(`${path} is damaged (${what}); remove it to have it written anew`);
    this.name = 'DamagedCheckpointError';
  }
}

/**
 * Entries of a checkpoint file, a row of fields each; null if there is no file, or an empty one, as
 * Kafka makes before it has anything to say.
 */
export function readCheckpoint(disk: Disk, path: string, fieldCount: number): string[][] | null {
  const bytes = disk.readFile(path);
  if (bytes === null || bytes.length === 0) return null;
  const lines = bytes.toString('utf8').split('\n');
  if (lines[0]?.trim() !== '0') throw new DamagedCheckpointError(path, 'its version is not 0');
  const count = Number(lines[1]);
  if (!Number.isInteger(count) || count < 0 || count > lines.length - 2) {
    throw new DamagedCheckpointError(path, `it promises ${lines[1]} entries`);
  }
  return lines.slice(2, 2 + count).map((line) => {
    const fields = line.trim().split(/\s+/);
    if (fields.length !== fieldCount) throw new DamagedCheckpointError(path, `the line "${line}"`);
    return fields;
  });
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
  for (const [topic, partition, offset] of readCheckpoint(disk, path, 3) ?? []) {
    const value = Number(offset);
    if (!Number.isInteger(value)) throw new DamagedCheckpointError(path, `the offset ${offset}`);
    offsets.set(`${topic}-${partition}`, value);
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

export function readEpochCheckpoint(disk: Disk, path: string): LeaderEpochEntry[] {
  return (readCheckpoint(disk, path, 2) ?? []).map(([epoch, startOffset]) => {
    const entry = { epoch: Number(epoch), startOffset: Number(startOffset) };
    if (Number.isInteger(entry.epoch) && Number.isInteger(entry.startOffset)) return entry;
    throw new DamagedCheckpointError(path, `the entry "${epoch} ${startOffset}"`);
  });
}

export function epochCheckpointBytes(entries: readonly LeaderEpochEntry[]): Buffer {
  return checkpointBytes(entries.map(({ epoch, startOffset }) => [epoch, startOffset]));
}
