// What a log directory of a stopped broker says of the metadata that it was used with, and of the
// logs that it has.
//
// Invariant: nothing here changes a file; what cannot be read says nothing.

import type { Io } from '../../io/index.ts';
import { type DirectoryNotes, readMetaProperties, readNotes } from '../../storage/index.ts';
import { UsageError } from '../command-line.ts';

export interface KnownLog {
  /** `topic-partition` */
  readonly folder: string;
  readonly partition: number;
  /** Empty when it does not say. */
  readonly topicId: string;
  /** The newest; -1: none is written down. */
  readonly leaderEpoch: number;
}

export interface KnownDirectory {
  readonly path: string;
  readonly nodeId: number;
  readonly clusterId: string;
  /** null: it was not used with any metadata, or does not say. */
  readonly notes: DirectoryNotes | null;
  readonly logs: readonly KnownLog[];
}

/** @throws UsageError, LogDirectoryError, IoError */
export function knownDirectory(io: Io, path: string): KnownDirectory {
  const meta = io.disk.stat(path) === null ? null : readMetaProperties(io, path);
  if (meta === null) throw new UsageError(`${path} is no log directory of a broker`);
  const logs: KnownLog[] = [];
  for (const { name, isDirectory } of io.disk.list(path)) {
    const match = /^[a-zA-Z0-9._-]+-(\d{1,10})$/.exec(name);
    if (!isDirectory || match === null || name.startsWith('__cluster_metadata-')) continue;
    const text = (file: string): string =>
      io.disk.readFile(`${path}/${name}/${file}`)?.toString('utf8') ?? '';
    const [, topicId = ''] = /^topic_id: *(\S+)/m.exec(text('partition.metadata')) ?? [];
    const epochs = [...text('leader-epoch-checkpoint').matchAll(/^(\d+) \d+$/gm)];
    const leaderEpoch = Number(epochs.at(-1)?.[1] ?? -1);
    logs.push({ folder: name, partition: Number(match[1]), topicId, leaderEpoch });
  }
  const { nodeId = -1, clusterId = '' } = meta;
  return { path, nodeId, clusterId, notes: readNotes(io.disk, path), logs };
}
