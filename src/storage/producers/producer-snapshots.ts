// The producer snapshot files of a log. One is taken where a segment ends and where the log was
// closed, so that a start replays no more than what came after. They reach the disk with the next
// flush: until then the batches themselves are what the state is rebuilt from.
//
// Invariant: a snapshot that was removed is in no file once the removal has ended, also if it was
// being written; what counts as written is what was taken last.

import type { Disk } from '../../io/index.ts';
import { logFileName, SNAPSHOT_SUFFIX } from '../segment/log-files.ts';
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
  type ProducerSnapshotEntry,
} from './producer-snapshot.ts';

export class ProducerSnapshots {
  readonly #disk: Disk;
  readonly #directory: string;
  /** Ascending. */
  #offsets: number[];
  readonly #pending = new Map<number, Buffer>();
  /** The snapshot that is being written, and when that is over. */
  #writing: { readonly offset: number; readonly done: Promise<void> } | null = null;

  constructor(disk: Disk, directory: string, offsets: readonly number[]) {
    this.#disk = disk;
    this.#directory = directory;
    this.#offsets = [...offsets].sort((a, b) => a - b);
  }

  get latestOffset(): number | null {
    return this.#offsets.at(-1) ?? null;
  }

  has(offset: number): boolean {
    return this.#offsets.includes(offset);
  }

  /** Taken, and not written yet. */
  get isBehind(): boolean {
    return this.#pending.size > 0;
  }

  /** It is written, or will be by the next flush. */
  isTaken(offset: number): boolean {
    return this.#offsets.includes(offset) || this.#pending.has(offset);
  }

  /** How many are of offsets behind the one given. */
  countBehind(offset: number): number {
    return this.#offsets.length - 1 - this.#offsets.findLastIndex((each) => each <= offset);
  }

  /** When the file was last written to. */
  modifiedMs(offset: number): number {
    return this.#disk.stat(this.#pathOf(offset))?.modifiedMs ?? 0;
  }

  /** Keeps the state in memory until the next write(). */
  take(offset: number, entries: readonly ProducerSnapshotEntry[]): void {
    if (this.#offsets.includes(offset)) return;
    this.#pending.set(offset, encodeProducerSnapshot(entries));
  }

  /** Writes and syncs what was taken; the directory is the caller's to sync. */
  async write(): Promise<boolean> {
    let hasWritten = false;
    for (const [offset, bytes] of this.#pending) {
      const done = this.#writeOne(offset, bytes);
      this.#writing = { offset, done: done.catch(() => undefined) };
      try {
        await done;
      } finally {
        this.#writing = null;
      }
      hasWritten = true;
    }
    return hasWritten;
  }

  async #writeOne(offset: number, bytes: Buffer): Promise<void> {
    const file = this.#disk.open(this.#pathOf(offset), 'create');
    try {
      file.truncate(0);
      file.write([bytes], 0);
      await file.sync();
    } finally {
      file.close();
    }
    // A truncation may have come in between and wants none, or another one of the same offset.
    if (this.#pending.get(offset) !== bytes) {
      await this.#disk.remove(this.#pathOf(offset));
      return;
    }
    this.#pending.delete(offset);
    this.#offsets = [...this.#offsets, offset].sort((a, b) => a - b);
  }

  /** The latest state at or before the offset; damaged files are removed on the way. */
  async loadLatest(
    offset: number,
  ): Promise<{ offset: number; entries: ProducerSnapshotEntry[] } | null> {
    for (;;) {
      const latest = this.#offsets.findLast((each) => each <= offset);
      if (latest === undefined) return null;
      const bytes = this.#disk.readFile(this.#pathOf(latest));
      const entries = bytes === null ? null : decodeProducerSnapshot(bytes);
      if (entries !== null) return { offset: latest, entries };
      await this.#remove((each) => each === latest);
    }
  }

  /**
   * Keeps those of the segments given and what a stop took behind the last of them. Others are of
   * segments that compaction made one with the segment before: they may know a transaction as open
   * whose marker is not there any more.
   */
  async removeStrays(baseOffsets: readonly number[]): Promise<void> {
    const bases = new Set(baseOffsets);
    const last = baseOffsets.at(-1) ?? 0;
    await this.#remove((each) => each < last && !bases.has(each));
  }

  async removeAfter(offset: number): Promise<void> {
    await this.#remove((each) => each > offset);
  }

  async removeBefore(offset: number): Promise<void> {
    await this.#remove((each) => each < offset);
  }

  async removeAt(offsets: readonly number[]): Promise<void> {
    const unwanted = new Set(offsets);
    await this.#remove((each) => unwanted.has(each));
  }

  async #remove(isUnwanted: (offset: number) => boolean): Promise<void> {
    for (const offset of this.#pending.keys()) {
      if (isUnwanted(offset)) this.#pending.delete(offset);
    }
    if (this.#writing !== null && isUnwanted(this.#writing.offset)) await this.#writing.done;
    for (const offset of this.#offsets.filter(isUnwanted)) {
      await this.#disk.remove(this.#pathOf(offset));
      this.#offsets = this.#offsets.filter((each) => each !== offset);
    }
  }

  #pathOf(offset: number): string {
    return `${this.#directory}/${logFileName(offset, SNAPSHOT_SUFFIX)}`;
  }
}
