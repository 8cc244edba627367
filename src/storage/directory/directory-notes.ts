// What a broker notes in a log directory of its use of it: whose it is, which directories it had
// beside it, and of which topics it held logs when the broker had applied which metadata. Kafka has
// no such file, and leaves it alone.
//
// The notes are what proves, at a later start, that a log may go: a topic that was known at an
// offset of the metadata and is not in a later image of the same history was deleted. They tell a
// directory that is empty from one that is new. And a store that ends before their offset, or has
// another batch there, was put back to an older state: so the offset is written down soon after it
// has grown, by itself, too.
//
// Invariants: a topic is noted only with an offset at which the metadata had it; the file is
// replaced as a whole and has a checksum: notes that are damaged say nothing.

import { isUuid, type Uuid } from '../../base/uuid.ts';
import type { Disk } from '../../io/index.ts';
import { crc32c } from '../../protocol/index.ts';
import { replaceFile } from './checkpoint-file.ts';
import type { MetaProperties } from './meta-properties.ts';

const FILE = 'directory-notes';

export interface DirectoryNotes {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: Uuid;
  /** Which history of the metadata the offset is of. */
  readonly historyId: Uuid;
  /** Of the last record of the metadata that was applied. */
  readonly metadataOffset: number;
  /** What tells its batch from others at that offset. Absent in notes of older releases. */
  readonly metadataBatch?: string | null;
  /** Entries of log.dirs, this one included: id to path. */
  readonly directories: Readonly<Record<Uuid, string>>;
  /** Topics of which logs are here. */
  readonly topicIds: readonly Uuid[];
}

export function notesPath(directory: string): string {
  return `${directory}/${FILE}`;
}

/** null if there are none, or none that can be understood. */
export function readNotes(disk: Disk, directory: string): DirectoryNotes | null {
  const text = disk.readFile(notesPath(directory))?.toString('utf8') ?? '';
  const match = /^0 ([0-9a-f]{8})\n(.*)\n$/s.exec(text);
  if (match === null || checksum(match[2] as string) !== match[1]) return null;
  const notes = JSON.parse(match[2] as string) as DirectoryNotes;
  return isUuid(notes.directoryId) ? notes : null;
}

export function hasNotes(disk: Disk, directory: string): boolean {
  return disk.stat(notesPath(directory)) !== null;
}

/** What notes are made of, beside what the directory knows itself. */
export type NotesAround = Pick<
  DirectoryNotes,
  'historyId' | 'metadataOffset' | 'metadataBatch' | 'directories'
> & {
  /** The metadata have the topic at that offset. */
  readonly hasTopic: (topicId: Uuid) => boolean;
};

/** The notes of one directory, as they were found and as they are kept. */
export class KeptNotes {
  readonly found: DirectoryNotes | null;
  readonly #disk: Disk;
  readonly #directory: string;
  #written: DirectoryNotes | null;
  #isDue = true;

  constructor(disk: Disk, directory: string, found: DirectoryNotes | null) {
    this.#disk = disk;
    this.#directory = directory;
    this.found = found;
    this.#written = found;
  }

  /** Logs came or went. */
  onLogsChanged(): void {
    this.#isDue = true;
  }

  /** Durable when it resolves. Writes nothing that was written before. */
  async maybeWrite(
    meta: MetaProperties,
    around: NotesAround,
    topicIdsOfLogs: () => ReadonlySet<Uuid>,
  ): Promise<void> {
    const isLater = around.metadataOffset > (this.#written?.metadataOffset ?? -1);
    if (!this.#isDue && !isLater) return;
    this.#isDue = false;
    const { hasTopic, ...rest } = around;
    const topicIds = topicIdsOfLogs();
    const known = [...topicIds].filter(hasTopic).sort();
    const { clusterId, nodeId, directoryId } = meta;
    const notes = { clusterId, nodeId, directoryId, ...rest, topicIds: known };
    const isComplete = known.length === topicIds.size;
    try {
      const json = JSON.stringify(notes);
      if (this.#written === null || JSON.stringify(this.#written) !== json) {
        const bytes = Buffer.from(`0 ${checksum(json)}\n${json}\n`);
        await replaceFile(this.#disk, notesPath(this.#directory), bytes);
      }
      if (!isComplete) this.#isDue = true;
      this.#written = notes;
    } catch (error) {
      this.#isDue = true;
      throw error;
    }
  }
}

function checksum(text: string): string {
  return crc32c(Buffer.from(text)).toString(16).padStart(8, '0');
}
