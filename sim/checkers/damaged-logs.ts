// The promise (damage): what lay on the disk of a stopped broker when some of its files were
// damaged, and was not damaged itself, is served at its offset after the next start. It is not
// only where Apache Kafka (4.3.1, tried with the same damage) would not have it either:
//
// - After a stop that was not clean Kafka looks through the segments from the recovery point on. In
//   the first one that does not end in a whole batch it cuts what is behind the last whole one, and
//   all later segments go with it. A segment that is missing is no reason to cut anything.
// - After a clean stop Kafka looks through a segment only if its index is missing or senseless, and
//   cuts it alone. Everything else stays as it is, damaged or not.
// - A recovery point that cannot be read is 0, a clean stop that left no mark was not clean.
// - A log whose partition.metadata does not name the topic's id is set aside, whole.
//
// Kafka deletes what it cuts. Here every whole batch is still in some file afterwards. A partition
// may also answer KAFKA_STORAGE_ERROR as a whole if its log was damaged (but not if it was only an
// index, a snapshot or a checkpoint: those are made again), and CORRUPT_MESSAGE from the damage to
// the end of its segment. What is served is what was sent, at its offset, and nothing that was
// aborted is shown to readers of committed records, unless the marker or the transaction index that
// says so was damaged: a transaction index has no checksum, and Kafka believes it, too.
// New records get offsets behind everything that was known to be there: the recovery point.

import { assert } from '../../src/base/assert.ts';
import { ErrorCode, errorName } from '../../src/protocol/index.ts';
import { readOffsetCheckpoint } from '../../src/storage/directory/checkpoint-file.ts';
import { FileNode, type FileSystem } from '../file-system.ts';
import { placeName } from './partition-contents.ts';
import {
  batchesOf,
  endOffsetOf,
  outcomesOf,
  type StoredBatch,
  type StoredLog,
  type StoredSegment,
  storedLogs,
} from './stored-logs.ts';

export interface DamagedTree {
  readonly before: FileSystem;
  readonly damaged: FileSystem;
  readonly directories: readonly string[];
  readonly wasStoppedCleanly: boolean;
}

/** What a reader was given of a partition. */
export interface ReadLog {
  readonly topic: string;
  readonly partition: number;
  readonly batches: ReadonlyMap<number, Buffer>;
  readonly failures: readonly { readonly offset: number; readonly errorCode: number }[];
  readonly committed: ReadonlySet<number>;
}

const storageErrors: readonly number[] = [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.CORRUPT_MESSAGE];

/** One log before and after the damage. */
export class DamagedLog {
  readonly name: string;
  readonly before: StoredLog;
  /** What lies in the log's own files now. */
  readonly isLogDamaged: boolean;
  /** It cannot be said any more, or not be proven, that the folder is the topic's. */
  readonly mayBeSetAside: boolean;
  /** New records are not to get offsets below. */
  readonly endFloor: number;
  readonly #tree: DamagedTree;
  readonly #intact = new Set<StoredBatch>();
  readonly #mayBeCut = new Set<StoredBatch>();
  /** Behind a damage in their segment. */
  readonly #mayFail = new Set<StoredBatch>();

  constructor(before: StoredLog, damaged: StoredLog | undefined, tree: DamagedTree) {
    this.before = before;
    this.#tree = tree;
    this.name = placeName(before);
    const segments = new Map(damaged?.segments.map((segment) => [segment.path, segment]));
    for (const segment of before.segments) this.#compare(segment, segments.get(segment.path));
    this.isLogDamaged = before.segments.some(({ path }) => isChanged(tree, path));
    this.mayBeSetAside = isChanged(tree, `${before.path}/partition.metadata`);
    const isClean =
      tree.wasStoppedCleanly && !isChanged(tree, `${before.directory}/.kafka_cleanshutdown`);
    const recoveryPoint = recoveryPointOf(tree, before);
    this.#allowCuts(damaged, { tree, isClean, recoveryPoint });
    this.endFloor = this.mayBeSetAside ? 0 : recoveryPoint;
  }

  isIntact(batch: StoredBatch): boolean {
    return this.#intact.has(batch);
  }

  /** Throws if something is lost or wrong. Returns what is there and was not there before. */
  judge(read: ReadLog): Map<number, Buffer> {
    for (const batch of batchesOf(this.before)) this.#judgeBatch(batch, read);
    const unknown = this.#unknownIn(read);
    this.#judgeCommitted(read);
    return unknown;
  }

  isOffline({ batches, failures }: ReadLog): boolean {
    const isStorageError = (code: number): boolean => code === ErrorCode.KAFKA_STORAGE_ERROR;
    return batches.size === 0 && failures.some(({ errorCode }) => isStorageError(errorCode));
  }

  #compare(segment: StoredSegment, damaged: StoredSegment | undefined): void {
    const found = new Map(damaged?.batches.map((batch) => [batch.position, batch.bytes]));
    let isBehindDamage = false;
    for (const batch of segment.batches) {
      const isIntact = found.get(batch.position)?.equals(batch.bytes) === true;
      // Whole batches behind a damage are not found by a walk from the beginning.
      const isThere = isIntact || (damaged !== undefined && hasBytes(damaged, batch));
      if (isThere) this.#intact.add(batch);
      if (!isIntact) isBehindDamage = true;
      if (isBehindDamage) this.#mayFail.add(batch);
    }
  }

  #allowCuts(
    damaged: StoredLog | undefined,
    how: { tree: DamagedTree; isClean: boolean; recoveryPoint: number },
  ): void {
    const { tree, isClean, recoveryPoint } = how;
    const segments = damaged?.segments ?? [];
    let isCut = false;
    for (const [index, segment] of segments.entries()) {
      const end = segments[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY;
      const isSearched = isClean ? isIndexDamaged(tree, segment) : end > recoveryPoint;
      const isTorn = isSearched && segment.wholeBytes < segment.bytes.length;
      for (const batch of batchesOf(this.before)) {
        if (batch.path !== segment.path) continue;
        if (isCut || (isTorn && batch.position >= segment.wholeBytes)) this.#mayBeCut.add(batch);
      }
      if (isTorn && !isClean) isCut = true;
    }
  }

  #judgeBatch(batch: StoredBatch, read: ReadLog): void {
    const { baseOffset } = batch.header;
    const served = read.batches.get(baseOffset);
    if (served !== undefined && isSameBatch(served, batch.bytes)) return;
    if (!this.#intact.has(batch) || this.mayBeSetAside || this.#mayBeCut.has(batch)) return;
    if (this.isOffline(read) && this.isLogDamaged) return;
    const code = read.failures.find(({ offset }) => offset === baseOffset)?.errorCode ?? 0;
    if (storageErrors.includes(code) && this.#mayFail.has(batch)) return;
    const answer = code === 0 ? 'nothing' : errorName(code);
    assert(false, `${this.name} offset ${baseOffset} is on the disk, and ${answer} is served`);
  }

  #unknownIn(read: ReadLog): Map<number, Buffer> {
    const known = new Map(batchesOf(this.before).map((batch) => [batch.header.baseOffset, batch]));
    const byContent = new Map(
      batchesOf(this.before).map((batch) => [contentOf(batch.bytes), batch]),
    );
    const unknown = new Map<number, Buffer>();
    for (const [offset, bytes] of read.batches) {
      const before = known.get(offset);
      if (before !== undefined && isSameBatch(bytes, before.bytes)) continue;
      const same = byContent.get(contentOf(bytes));
      const where = same?.header.baseOffset ?? offset;
      assert(where === offset, `${this.name} serves at ${offset} what was stored at ${where}`);
      const isFree =
        before === undefined || !this.#intact.has(before) || this.#mayBeCut.has(before);
      assert(isFree || this.mayBeSetAside, `${this.name} serves at ${offset} what was not there`);
      unknown.set(offset, bytes);
    }
    return unknown;
  }

  #isKnownAborted(marker: StoredBatch): boolean {
    const index = marker.path.replace(/\.log$/, '.txnindex');
    if (isChanged(this.#tree, index)) return false;
    return this.#intact.has(marker) && !this.#mayBeCut.has(marker);
  }

  #judgeCommitted(read: ReadLog): void {
    for (const [batch, { isCommit, marker }] of outcomesOf(batchesOf(this.before))) {
      const { baseOffset } = batch.header;
      const isShown = read.committed.has(baseOffset) && read.batches.has(baseOffset);
      if (isCommit || !isShown || !this.#isKnownAborted(marker)) continue;
      const isOther = !isSameBatch(read.batches.get(baseOffset) as Buffer, batch.bytes);
      assert(isOther, `${this.name} shows the aborted records at ${baseOffset} as committed`);
    }
  }
}

/** By name, for the topics. */
export function damagedLogs(tree: DamagedTree, topics: readonly string[]): DamagedLog[] {
  const damaged = storedLogs(tree.damaged, tree.directories);
  const logs = [...storedLogs(tree.before, tree.directories).values()];
  return logs
    .filter(({ topic, isBetween }) => topics.includes(topic) && !isBetween)
    .map((log) => {
      const found = damaged.get(placeName(log));
      return new DamagedLog(log, found?.path === log.path ? found : undefined, tree);
    });
}

export function isChanged({ before, damaged }: DamagedTree, path: string): boolean {
  const [was, is] = [before.find(path), damaged.find(path)];
  if (!(was instanceof FileNode)) return is !== null;
  if (!(is instanceof FileNode)) return true;
  return !contentBytes(was).equals(contentBytes(is));
}

export function contentBytes({ content }: FileNode): Buffer {
  const bytes = Buffer.alloc(content.sizeBytes);
  content.read(bytes, 0);
  return bytes;
}

function recoveryPointOf(tree: DamagedTree, log: StoredLog): number {
  const path = `${log.directory}/recovery-point-offset-checkpoint`;
  const node = tree.before.find(path);
  if (!(node instanceof FileNode) || isChanged(tree, path)) return 0;
  const disk = { readFile: () => contentBytes(node) };
  const known = readOffsetCheckpoint(disk as never, path).get(placeName(log)) ?? 0;
  return Math.min(known, endOffsetOf(log));
}

function isIndexDamaged(tree: DamagedTree, segment: StoredSegment): boolean {
  const stem = segment.path.slice(0, -'.log'.length);
  return ['.index', '.timeindex', '.txnindex'].some((suffix) => isChanged(tree, stem + suffix));
}

function hasBytes(damaged: StoredSegment, { position, bytes }: StoredBatch): boolean {
  const found = damaged.bytes.subarray(position, position + bytes.length);
  return found.equals(bytes);
}

const leaderEpochAt = 12;
const magicAt = 16;

/** But for the leader epoch, which no checksum covers. */
function isSameBatch(one: Buffer, other: Buffer): boolean {
  const head = (bytes: Buffer): Buffer => bytes.subarray(0, leaderEpochAt);
  const rest = (bytes: Buffer): Buffer => bytes.subarray(magicAt);
  return head(one).equals(head(other)) && rest(one).equals(rest(other));
}

/** Everything that the checksum covers, and it. */
function contentOf(bytes: Buffer): string {
  return bytes.subarray(magicAt).toString('latin1');
}
