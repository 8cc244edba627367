// Taking bytes out of a log that is being recovered: its end, whole segments, a damaged stretch
// between good batches. What may hold a whole batch is set aside in a stray folder before.
//
// Invariant: a crash on the way loses nothing: bytes are cut only when their copy is durable, and
// the part of a segment behind a damaged stretch is a segment of its own before it is cut.

import type { File, Io } from '../../io/index.ts';
import { type StrayFile, setSegmentsAside } from '../directory/stray-folders.ts';
import { DAMAGED_SUFFIX } from '../files/damaged-file.ts';
import type { PartitionLogOptions } from '../log/log-options.ts';
import { CLEANED_SUFFIX, LOG_SUFFIX, logFileName, SEGMENT_SUFFIXES } from '../segment/log-files.ts';
import { openSegment } from '../segment/open-segment.ts';
import type { Segment } from '../segment/segment.ts';
import type { BatchBehind, Behind, DamagedPlace } from './log-damage.ts';

const COPY_BYTES = 1024 * 1024;

export class LogCuts {
  readonly #io: Io;
  readonly #options: PartitionLogOptions;
  readonly #log: Io['log'];

  constructor(io: Io, options: PartitionLogOptions) {
    this.#io = io;
    this.#options = options;
    this.#log = io.log.child('storage');
  }

  /** The end of a write that did not come to its own: no batch is lost with it. */
  cutTornTail(segment: Segment, { position }: DamagedPlace, because: string): void {
    this.#log.warn('a log was not closed cleanly: its torn tail is cut off', {
      file: segment.log.path,
      keptBytes: position,
      cutBytes: segment.sizeBytes - position,
      because,
    });
    truncate(segment, position);
  }

  /** Cuts the segment at the damage, and removes the segments behind it. */
  async cutEnd(
    segment: Segment,
    damage: DamagedPlace,
    rest: { behind: Behind; because: string; segments: readonly Segment[] },
  ): Promise<void> {
    this.#options.onLoss?.();
    const { behind, because, segments } = rest;
    const files: StrayFile[] = [];
    const source = segment.log.path;
    const { position: from, offsetMin } = damage;
    if (typeof behind === 'object') {
      files.push({ source, name: damagedName(offsetMin), from, to: behind.position });
      const name = logFileName(behind.baseOffset, LOG_SUFFIX);
      files.push({ source, name, from: behind.position });
    } else files.push({ source, name: damagedName(offsetMin), from });
    const keptIn = await this.#setAside(files.concat(await this.#filesOf(segments)));
    this.#log.error('a log is damaged: what follows is cut off, and set aside', {
      file: source,
      position: from,
      offset: offsetMin,
      because,
      keptIn,
    });
    truncate(segment, from);
  }

  async removeSegments(segments: readonly Segment[], because: string): Promise<void> {
    const files = await this.#filesOf(segments);
    if (files.length === 0) return;
    this.#options.onLoss?.();
    const keptIn = await this.#setAside(files);
    for (const { log } of segments) {
      const fields = { file: log.path, because, keptIn };
      this.#log.error('a segment cannot follow what is before it, and is set aside', fields);
    }
  }

  /**
   * Takes the damaged stretch out: what is behind it becomes a segment of its own, which is
   * returned; null if it took the place of the segment, all of whose beginning was damaged.
   */
  async split(
    segment: Segment,
    damage: DamagedPlace,
    behind: BatchBehind,
  ): Promise<Segment | null> {
    this.#options.onLoss?.();
    const { disk } = this.#io;
    const { directory } = this.#options;
    const { position, offsetMin } = damage;
    const path = `${directory}/${logFileName(behind.baseOffset, LOG_SUFFIX)}`;
    const sizeBytes = segment.sizeBytes - behind.position;
    // A start that finds an unfinished one removes it, as it does one of the cleaner's.
    const copy = disk.open(path + CLEANED_SUFFIX, 'create');
    try {
      copy.truncate(0);
      await copyBytes(segment, behind.position, copy);
      await copy.sync();
    } finally {
      copy.close();
    }
    const source = segment.log.path;
    const name = damagedName(offsetMin);
    const keptIn = await this.#setAside([{ source, name, from: position, to: behind.position }]);
    this.#log.error('a part of a log is damaged and set aside; it goes on behind it', {
      file: source,
      position,
      fromOffset: offsetMin,
      toOffset: behind.baseOffset,
      keptIn,
    });
    segment.log.close();
    disk.rename(path + CLEANED_SUFFIX, path);
    await disk.syncDirectory(directory);
    if (path === source) {
      segment.sizeBytes = sizeBytes;
      return null;
    }
    truncate(segment, position);
    return openSegment(this.#io, this.#options, { baseOffset: behind.baseOffset, sizeBytes });
  }

  /** Empty segments are nothing to keep. */
  async #filesOf(segments: readonly Segment[]): Promise<StrayFile[]> {
    const { disk } = this.#io;
    const files: StrayFile[] = [];
    for (const segment of segments) {
      segment.close();
      if (segment.sizeBytes === 0) {
        for (const path of segment.markDeleted()) await disk.remove(path);
        continue;
      }
      for (const suffix of SEGMENT_SUFFIXES) {
        const source = segment.pathOf(suffix);
        const name = logFileName(segment.baseOffset, suffix);
        if (disk.stat(source) !== null) files.push({ source, name });
      }
    }
    return files;
  }

  async #setAside(files: readonly StrayFile[]): Promise<string> {
    const { directory, topic, partition } = this.#options;
    const parent = directory.slice(0, directory.lastIndexOf('/'));
    return await setSegmentsAside(this.#io, parent, { topic, partition }, files);
  }
}

function damagedName(offset: number): string {
  return logFileName(offset, DAMAGED_SUFFIX);
}

function truncate(segment: Segment, position: number): void {
  segment.log.truncate(position);
  segment.sizeBytes = position;
}

async function copyBytes(segment: Segment, from: number, copy: File): Promise<void> {
  const buffer = Buffer.allocUnsafe(COPY_BYTES);
  for (let position = from; position < segment.sizeBytes; ) {
    const bytes = await segment.log.read(buffer, position);
    if (bytes === 0) return;
    copy.write([buffer.subarray(0, bytes)], position - from);
    position += bytes;
  }
}
