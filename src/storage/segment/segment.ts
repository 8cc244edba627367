// One segment of a log: a file of batches that starts at a base offset, with its sparse offset and
// time indexes and its aborted transactions. Only the last segment of a log is written to.
//
// Invariants: batches lie one behind the other from position 0 to sizeBytes with growing offsets;
// what the file has behind sizeBytes is the remains of a write that failed and is cut off before
// the next one. The indexes of the segment that is written to are complete in memory and reach
// their files when it is sealed: recovery rebuilds them for every segment it scans.

import { assert } from '../../base/assert.ts';
import { pushAll } from '../../base/push-all.ts';
import { IoError } from '../../io/index.ts';
import { type BatchHeader, RECORD_BATCH_OVERHEAD } from '../../protocol/index.ts';
import type { LogResources } from '../files/log-resources.ts';
import { PooledFile } from '../files/open-files.ts';
import { isShortage } from '../files/shortage.ts';
import { type LogConfig, segmentMsOf } from '../log/log-config.ts';
import { headerOrNull, offsetProblem } from '../recovery/log-scan.ts';
import {
  DELETED_SUFFIX,
  LOG_SUFFIX,
  logFileName,
  OFFSET_INDEX_SUFFIX,
  SEGMENT_SUFFIXES,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './log-files.ts';
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts';
import { inDoubtIfFailed } from './segments-in-doubt.ts';
import { TIME_ENTRY_BYTES, TimeIndex } from './time-index.ts';
import {
  type AbortedTransactionEntry,
  decodeTransactionIndex,
  encodeTransactionIndex,
  TRANSACTION_ENTRY_BYTES,
} from './transaction-index.ts';

const INT32_MAX = 0x7fff_ffff;
const INDEX_SUFFIXES = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX];
/** Between the entries of indexes that are rebuilt on the spot. */
const INTERVAL_BYTES = 4096;

export interface SegmentIndexes {
  readonly offsets: OffsetIndex;
  readonly times: TimeIndex;
}

export interface MaxTimestamp {
  readonly timestamp: number;
  /** Last offset of the batch that has it. */
  readonly offset: number;
}

/** What an append of one batch must know to decide whether it still fits. */
export interface RollQuestion {
  readonly sizeBytes: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly nowMs: number;
}

export class Segment {
  readonly baseOffset: number;
  readonly directory: string;
  readonly log: PooledFile;
  /** How much earlier than segment.ms this segment rolls. */
  readonly rollJitterMs: number;
  /** Wall-clock time at which this process opened or created it. */
  readonly openedMs: number;
  sizeBytes: number;
  /** Deleted or closed: its files are not this object's any more. */
  isGone = false;
  /** Set once the index files of a segment that is complete are on disk. */
  areIndexesDurable = false;
  readonly #resources: LogResources;
  /** The last part of its files' names: `.cleaned` and `.swap` while it is no part of its log. */
  #state: string;
  #indexes: SegmentIndexes | null = null;
  #isIndexBehind = false;
  #transactions: AbortedTransactionEntry[] | null = null;
  /** There was no room for an entry: the file is written when the segment's other indexes are. */
  #areTransactionsBehind = false;
  #maxTimestamp: MaxTimestamp | null = null;
  #firstTimestamp: number | null = null;
  #bytesSinceEntry = 0;
  #hasTornTail = false;

  constructor(options: {
    readonly directory: string;
    readonly baseOffset: number;
    readonly sizeBytes: number;
    readonly resources: LogResources;
    readonly rollJitterMs: number;
    readonly openedMs: number;
    readonly state?: string;
  }) {
    this.directory = options.directory;
    this.baseOffset = options.baseOffset;
    this.sizeBytes = options.sizeBytes;
    this.rollJitterMs = options.rollJitterMs;
    this.openedMs = options.openedMs;
    this.#resources = options.resources;
    this.#state = options.state ?? '';
    this.log = new PooledFile(options.resources.files, this.pathOf(LOG_SUFFIX));
  }

  /** When its last batch was written at the latest; null if nobody can say. */
  get modifiedMs(): number | null {
    return this.#resources.files.disk.stat(this.log.path)?.modifiedMs ?? null;
  }

  pathOf(suffix: string): string {
    return `${this.directory}/${logFileName(this.baseOffset, suffix)}${this.#state}`;
  }

  /**
   * Creates the log file, empty; leftovers of the same names are emptied. The index files appear
   * when they have something to say, or when the log is closed: ten thousand new partitions would
   * need twenty thousand of them.
   */
  create(): void {
    const { disk } = this.#resources.files;
    for (const suffix of INDEX_SUFFIXES) {
      if ((disk.stat(this.pathOf(suffix))?.sizeBytes ?? 0) > 0) this.#writeFile(suffix, []);
    }
    this.log.create();
    this.#indexes = emptyIndexes(this.baseOffset);
    this.#isIndexBehind = true;
    this.#transactions = [];
    this.#maxTimestamp = { timestamp: -1, offset: this.baseOffset };
  }

  // Writing.

  /**
   * Writes the batches behind the last one. If that fails the file is cut back to where it was
   * (now or before the next write) and the error is thrown.
   */
  append(chunk: Buffer, batches: readonly BatchHeader[], config: LogConfig): void {
    const indexes = this.loadIndexes();
    this.#cutTornTail();
    try {
      this.log.write([chunk], this.sizeBytes);
    } catch (error) {
      this.#hasTornTail = true;
      this.cutTornTailIfPossible();
      throw error;
    }
    if (!this.#isIndexBehind) this.#resources.indexes.forget(this);
    const start = this.sizeBytes;
    this.sizeBytes += chunk.length;
    for (const batch of batches) this.#index(indexes, batch, start, config.indexIntervalBytes);
  }

  #index(indexes: SegmentIndexes, batch: BatchHeader, start: number, intervalBytes: number): void {
    const position = start + batch.position;
    this.maybeRaiseMaxTimestamp(batch);
    if (position === 0) this.#firstTimestamp = timestampOf(batch);
    if (this.#bytesSinceEntry > intervalBytes && position > 0) {
      const { timestamp, offset } = this.maxTimestamp;
      indexes.offsets.append(batch.lastOffset, position);
      indexes.times.maybeAppend(timestamp, offset);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += batch.sizeBytes;
    this.#isIndexBehind = true;
    this.areIndexesDurable = false;
  }

  /** Adds batches that recovery found in the file already. */
  indexScanned(batch: BatchHeader, position: number, config: LogConfig): void {
    const indexes = this.#indexes;
    assert(indexes !== null, 'indexes are being rebuilt');
    this.#index(indexes, { ...batch, position }, 0, config.indexIntervalBytes);
  }

  /** Forgets the indexes, which are about to be rebuilt by indexScanned(). */
  beginRebuild(): void {
    this.#indexes = emptyIndexes(this.baseOffset);
    this.#resources.indexes.forget(this);
    this.#maxTimestamp = { timestamp: -1, offset: this.baseOffset };
    this.#firstTimestamp = null;
    this.#bytesSinceEntry = 0;
    this.#isIndexBehind = true;
  }

  /**
   * The time index is sparse: a batch behind its last entry may have a larger timestamp. A batch
   * that compaction emptied keeps its own, which no record has.
   */
  maybeRaiseMaxTimestamp(batch: BatchHeader): void {
    if (batch.recordCount === 0 || batch.maxTimestamp <= this.maxTimestamp.timestamp) return;
    this.#maxTimestamp = { timestamp: batch.maxTimestamp, offset: batch.lastOffset };
  }

  shouldRoll(batch: RollQuestion, config: LogConfig): boolean {
    if (batch.lastOffset - this.baseOffset > INT32_MAX) return true;
    if (this.sizeBytes === 0) return false;
    if (this.sizeBytes + batch.sizeBytes > config.segmentBytesMax) return true;
    if (this.isExpired(batch.nowMs, config, batch.maxTimestamp)) return true;
    const { offsets, times } = this.loadIndexes();
    return (
      offsets.sizeBytes + OFFSET_ENTRY_BYTES > config.indexBytesMax ||
      // One entry is reserved for the largest timestamp, which is added when the segment ends.
      times.sizeBytes + 2 * TIME_ENTRY_BYTES > config.indexBytesMax
    );
  }

  /** Age by the first batch's timestamp if it has one, else since it was opened. */
  isExpired(nowMs: number, config: LogConfig, timestamp = nowMs): boolean {
    if (this.sizeBytes === 0) return false;
    const first = this.loadFirstTimestamp();
    const ageMs = first >= 0 ? timestamp - first : nowMs - this.openedMs;
    return ageMs > segmentMsOf(config) - this.rollJitterMs;
  }

  /** The largest timestamp of the first batch; -1 if there is none, or it is damaged. */
  loadFirstTimestamp(): number {
    if (this.#firstTimestamp === null) {
      const header = Buffer.alloc(RECORD_BATCH_OVERHEAD);
      const bytes = this.log.readSync(header, 0);
      const first = headerOrNull(header.subarray(0, bytes));
      this.#firstTimestamp = first === null ? -1 : timestampOf(first);
    }
    return this.#firstTimestamp;
  }

  /** Behind those that are there: a segment may come to have a great many. */
  addAborted(added: readonly AbortedTransactionEntry[]): void {
    if (added.length === 0) return;
    const entries = this.abortedTransactions();
    const position = entries.length * TRANSACTION_ENTRY_BYTES;
    pushAll(entries, added);
    try {
      if (this.#areTransactionsBehind) return;
      this.#writeFile(TRANSACTION_INDEX_SUFFIX, [encodeTransactionIndex(added)], position);
    } catch (error) {
      // Readers are told from memory, and a start that finds no clean stop scans this segment.
      if (!isShortage(error)) throw error;
      this.#areTransactionsBehind = true;
    }
  }

  #writeTransactions(entries: readonly AbortedTransactionEntry[]): void {
    const bytes = encodeTransactionIndex(entries);
    this.#writeFile(TRANSACTION_INDEX_SUFFIX, bytes.length > 0 ? [bytes] : []);
  }

  /** What the file has from the position on is replaced. */
  #writeFile(suffix: string, chunks: readonly Buffer[], position = 0): void {
    const file = this.#resources.files.disk.open(this.pathOf(suffix), 'create');
    try {
      if (chunks.length > 0) file.write(chunks, position);
      file.truncate(chunks.reduce((sum, chunk) => sum + chunk.length, position));
    } finally {
      file.close();
    }
  }

  // Indexes.

  get maxTimestamp(): MaxTimestamp {
    if (this.#maxTimestamp === null) {
      this.#maxTimestamp = this.loadIndexes().times.last ?? {
        timestamp: -1,
        offset: this.baseOffset,
      };
    }
    return this.#maxTimestamp;
  }

  get areIndexesLoaded(): boolean {
    return this.#indexes !== null;
  }

  /** Reads the index files; null if one is missing or damaged and must be rebuilt. */
  tryLoadIndexes(): SegmentIndexes | null {
    if (this.#indexes === null) {
      const { disk } = this.#resources.files;
      const offsetBytes = disk.readFile(this.pathOf(OFFSET_INDEX_SUFFIX));
      const timeBytes = disk.readFile(this.pathOf(TIME_INDEX_SUFFIX));
      if (offsetBytes === null || timeBytes === null) return null;
      const offsets = OffsetIndex.parse(this.baseOffset, offsetBytes, this.sizeBytes);
      const times = TimeIndex.parse(this.baseOffset, timeBytes);
      if (offsets === null || times === null) return null;
      // Where the first batch has a timestamp there is an entry: none means it was lost.
      const isEmpty = times.count === 0 && this.sizeBytes > 0;
      if (isEmpty && this.loadFirstTimestamp() >= 0) return null;
      this.#indexes = { offsets, times };
      this.#bytesSinceEntry = this.sizeBytes - offsets.lastPosition;
    }
    if (!this.#isIndexBehind) {
      const { offsets, times } = this.#indexes;
      this.#resources.indexes.use(this, offsets.sizeBytes + times.sizeBytes);
    }
    return this.#indexes;
  }

  /** The indexes of a segment whose files are known to be good, or in memory. */
  loadIndexes(): SegmentIndexes {
    if (this.#indexes !== null) return this.#indexes;
    const indexes = this.tryLoadIndexes();
    if (indexes !== null) return indexes;
    return this.#rebuildNow();
  }

  /** Damage found in the middle of an append: header by header, as nothing may come between. */
  #rebuildNow(): SegmentIndexes {
    this.beginRebuild();
    const indexes = this.#indexes as unknown as SegmentIndexes;
    const header = Buffer.alloc(RECORD_BATCH_OVERHEAD);
    let endOffset = this.baseOffset;
    for (let position = 0; position < this.sizeBytes; ) {
      const bytes = this.log.readSync(header, position);
      const batch = headerOrNull(header.subarray(0, bytes));
      // Behind damage there is no place to lead to: readers find out (log-reads.ts).
      if (batch === null || offsetProblem(batch, this.baseOffset, endOffset) !== null) break;
      this.#index(indexes, batch, position, INTERVAL_BYTES);
      position += batch.sizeBytes;
      endOffset = batch.lastOffset + 1;
    }
    return indexes;
  }

  /** Called by the budget: the files have what memory forgets. */
  drop(): void {
    assert(!this.#isIndexBehind, 'only indexes that their files hold are dropped');
    this.#indexes = null;
  }

  abortedTransactions(): AbortedTransactionEntry[] {
    if (this.#transactions === null) {
      const bytes = this.#resources.files.disk.readFile(this.pathOf(TRANSACTION_INDEX_SUFFIX));
      this.#transactions = bytes === null ? [] : decodeTransactionIndex(bytes);
    }
    return this.#transactions;
  }

  /** Nothing more is appended, or not before the next start: writes what memory has. */
  writeIndexes(): void {
    this.#cutTornTail();
    if (this.#areTransactionsBehind) this.#writeTransactions(this.abortedTransactions());
    this.#areTransactionsBehind = false;
    if (!this.#isIndexBehind || this.#indexes === null) return;
    const { offsets, times } = this.#indexes;
    const { timestamp, offset } = this.maxTimestamp;
    times.maybeAppend(timestamp, offset);
    this.#writeFile(OFFSET_INDEX_SUFFIX, offsets.count > 0 ? [offsets.bytes] : []);
    this.#writeFile(TIME_INDEX_SUFFIX, times.count > 0 ? [times.bytes] : []);
    this.#isIndexBehind = false;
    this.#resources.indexes.use(this, offsets.sizeBytes + times.sizeBytes);
  }

  /** The indexes as they are in the files become durable; they may be few, so one by one. */
  async syncIndexes(): Promise<void> {
    const { disk } = this.#resources.files;
    for (const suffix of INDEX_SUFFIXES) {
      if (disk.stat(this.pathOf(suffix)) === null) continue;
      const file = disk.open(this.pathOf(suffix), 'write');
      try {
        await file.sync();
      } finally {
        file.close();
      }
    }
    this.areIndexesDurable = !this.#isIndexBehind;
  }

  // Cutting and removing.

  /** Keeps the batches before the position, all of which end before the offset. */
  truncateTo(offset: number, position: number): void {
    const indexes = this.loadIndexes();
    this.log.truncate(position);
    this.sizeBytes = position;
    this.#hasTornTail = false;
    indexes.offsets.truncateTo(offset);
    indexes.times.truncateTo(offset);
    this.areIndexesDurable = false;
    this.#maxTimestamp = indexes.times.last ?? { timestamp: -1, offset: this.baseOffset };
    if (position === 0) this.#firstTimestamp = null;
    this.#bytesSinceEntry = position - indexes.offsets.lastPosition;
    this.#isIndexBehind = true;
    this.#resources.indexes.forget(this);
    const aborted = this.abortedTransactions();
    const kept = aborted.filter((entry) => entry.lastOffset < offset);
    if (kept.length < aborted.length) {
      this.#transactions = kept;
      this.#writeTransactions(kept);
    }
  }

  /** Forgets aborted transactions, which are about to be found again by a scan. */
  clearAborted(): void {
    if (this.abortedTransactions().length > 0) this.#writeTransactions([]);
    this.#transactions = [];
  }

  /** What the file has is damaged. */
  replaceAborted(entries: AbortedTransactionEntry[]): void {
    this.#writeTransactions(entries);
    this.#transactions = entries;
    this.areIndexesDurable = false;
  }

  cutTornTailIfPossible(): void {
    try {
      this.#cutTornTail();
    } catch (error) {
      // The disk that just failed a write: the flag stays up and the next write tries again.
      if (!(error instanceof IoError)) throw error;
    }
  }

  #cutTornTail(): void {
    if (!this.#hasTornTail) return;
    this.log.truncate(this.sizeBytes);
    this.#hasTornTail = false;
  }

  /**
   * Gives the files other names: `.swap`, or their own with ''. On the way to `.swap` the log file
   * is last and on the way to its place it is first, so that a start that finds `.log.swap` knows
   * that all others are complete and none has taken its place (log-folder.ts).
   */
  moveTo(state: string): void {
    const { disk } = this.#resources.files;
    const suffixes = state === '' ? SEGMENT_SUFFIXES : [...SEGMENT_SUFFIXES].reverse();
    for (const suffix of suffixes) {
      const path = this.pathOf(suffix);
      const target = path.slice(0, path.length - this.#state.length) + state;
      if (suffix === LOG_SUFFIX) this.log.rename(target);
      else if (disk.stat(path) !== null) disk.rename(path, target);
    }
    this.#state = state;
  }

  /**
   * Gives the files their `.deleted` names; returns the new paths.
   *
   * @throws IoError if nothing has changed; SegmentsInDoubt if the log file has its new name
   */
  markDeleted(): string[] {
    const { disk } = this.#resources.files;
    const logPath = this.pathOf(LOG_SUFFIX);
    // It says whether there is a segment; what it leaves behind a start removes.
    disk.rename(logPath, logPath + DELETED_SUFFIX);
    return inDoubtIfFailed(() => {
      this.close();
      const paths = [logPath + DELETED_SUFFIX];
      for (const suffix of INDEX_SUFFIXES) {
        const path = this.pathOf(suffix);
        if (disk.stat(path) === null) continue;
        disk.rename(path, path + DELETED_SUFFIX);
        paths.push(path + DELETED_SUFFIX);
      }
      return paths;
    });
  }

  close(): void {
    this.isGone = true;
    this.#resources.indexes.forget(this);
    this.log.release();
  }
}

function emptyIndexes(baseOffset: number): SegmentIndexes {
  return { offsets: new OffsetIndex(baseOffset), times: new TimeIndex(baseOffset) };
}

/** -1 for a batch that no record is left of. */
function timestampOf(batch: BatchHeader): number {
  return batch.recordCount === 0 ? -1 : batch.maxTimestamp;
}
