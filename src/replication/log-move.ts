// The move of one partition's log to another directory of this broker (KIP-113), while it is read
// and appended to.
//
// The log is copied into a folder that is nobody's (`…-future`). When the copy has caught up it is
// made durable, marked as one, and given the partition's name; what was appended meanwhile is
// copied too, and in the turn of the event loop in which nothing is missing it takes over. The old
// log, which bears a mark since shortly before, goes when the new one is on the platter as a whole.
//
// Invariants: at every moment a folder with the partition's name has every record that was
// acknowledged; when two have the name, the longer one has all that the other has, so that a start
// keeps that, and at least one of them is marked; records are appended to one of them only; the old
// one is not served by a start that does not find the new one's directory.

import { assert } from '../base/assert.ts';
import { Deferred } from '../base/deferred.ts';
import { type Io, IoError } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import {
  clearMoved,
  isExpectedFailure,
  type LogDirectory,
  markMoved,
  type PartitionLog,
} from '../storage/index.ts';
import { truncationOffset } from './follower-state.ts';
import type { Partition } from './partition.ts';

export interface LogMoveOptions {
  readonly partition: Partition;
  readonly source: LogDirectory;
  readonly target: LogDirectory;
  /** replica.alter.log.dirs.io.max.bytes.per.second, asked again and again. */
  readonly bytesPerSecondMax: () => number;
  /** The partition is served from the target from now on. */
  readonly onTakenOver: () => void;
}

const copyBytesMax = 1024 * 1024;
/** How soon a limit that was changed is noticed. */
const throttlePauseMsMax = 500;
const retryMs = 1000;

class MoveCancelled extends Error {}

export class LogMove {
  readonly partition: Partition;
  readonly source: LogDirectory;
  readonly target: LogDirectory;
  /** Resolves, whatever becomes of it, when nothing of the move is under way any more. */
  readonly done: Promise<void>;
  readonly #io: Io;
  readonly #options: LogMoveOptions;
  readonly #ended = new Deferred<void>();
  /** The log that the partition has until the copy takes over. */
  readonly #old: PartitionLog;
  /** Truncations of it that the copy has followed. */
  #truncationsSeen = 0;
  #future: PartitionLog | null = null;
  #isPromoted = false;
  #hasTakenOver = false;
  #isCancelled = false;

  constructor(io: Io, options: LogMoveOptions) {
    this.#io = io;
    this.#options = options;
    this.partition = options.partition;
    this.source = options.source;
    this.target = options.target;
    const old = options.source.log(this.partition.topic, this.partition.partition);
    assert(old !== null, 'a partition moves from the directory that has its log');
    this.#old = old;
    this.#truncationsSeen = old.truncations.count;
    this.done = this.#run();
    void this.done.then(() => this.#ended.resolve());
  }

  /** Resolves when it is done, or abandoned: then a dead disk may keep it for ever. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** The copy while it is one. */
  get future(): PartitionLog | null {
    return this.#hasTakenOver ? null : this.#future;
  }

  /** Asks it to stop; await `done`. What has taken over stays so. */
  cancel(): void {
    this.#isCancelled = true;
  }

  /** One of its directories failed. */
  abandon(): void {
    this.cancel();
    this.#ended.resolve();
  }

  async #run(): Promise<void> {
    const { topic, partition } = this.partition;
    const fields = { topic, partition, from: this.source.path, to: this.target.path };
    try {
      await this.#move();
      this.#io.log.info('a partition moved to another directory', fields);
    } catch (error) {
      const isExpected =
        error instanceof MoveCancelled || error instanceof KafkaError || error instanceof IoError;
      if (!isExpected) throw error;
      if (!(error instanceof MoveCancelled)) {
        const { message } = error;
        this.#io.log.error('a partition could not be moved', { ...fields, because: message });
      }
      await this.#giveUp();
    }
  }

  async #move(): Promise<void> {
    const { partition, source, target } = this;
    const { topic, partition: index, topicId } = partition;
    const name = { topic, partition: index, topicId };
    // Later cleanings may miss what is copied by then.
    const old = this.#old;
    const { cleanedTo } = old;
    this.#future = await target.createFutureLog(name, old.config);
    await this.#copyInto(this.#future);
    // A start that finds two logs must know that the one is a copy of the other.
    await markMoved(this.#io.disk, this.#future, source.meta.directoryId);
    this.#isPromoted = true;
    // Of a topic that was deleted, or of an earlier move: it could not be removed.
    if (target.log(topic, index) !== null) await target.deleteLog(topic, index);
    this.#assertWanted();
    this.#future = await target.promoteFutureLog(this.#future, topicId);
    const log = this.#future;
    const isBehind = (): boolean =>
      log.logEndOffset < old.logEndOffset ||
      log.logStartOffset < old.logStartOffset ||
      this.#mustCut;
    let isMarked = false;
    while (!isMarked || isBehind()) {
      await this.#copyInto(log);
      if (log.logStartOffset < old.logStartOffset)
        await log.deleteRecordsBefore(old.logStartOffset);
      if (!isMarked) await markMoved(this.#io.disk, old, target.meta.directoryId);
      isMarked = true;
    }
    // From the check above to here nothing else ran.
    log.configure(old.config);
    log.cleanedTo = cleanedTo;
    this.#assertWanted();
    partition.replaceLog(log);
    this.#hasTakenOver = true;
    this.#options.onTakenOver();
    await this.#granted('a moved log cannot be flushed yet', async () => {
      await log.flush();
      // With the source goes what its directory said of where the log starts.
      await target.checkpointOffsets();
    });
    // Whoever waits for a flush of the old log is answered before it goes.
    await Promise.allSettled([old.flush()]);
    await this.#granted('a moved log cannot be removed yet', async () => {
      await source.deleteLog(topic, index);
      await source.checkpointOffsets();
    });
    await clearMoved(this.#io.disk, log);
  }

  /** Copies until nothing is missing. Does not pause where the end is read from memory. */
  async #copyInto(log: PartitionLog): Promise<void> {
    const source = this.#old;
    for (;;) {
      this.#assertWanted();
      if (this.#mustCut) await this.#cutBack(log);
      const from = Math.max(log.logEndOffset, source.logStartOffset);
      if (from >= source.logEndOffset) {
        if (log.logEndOffset < from) await log.truncateFullyAndStartAt(from);
        if (log.logEndOffset === source.logEndOffset) return;
        continue;
      }
      const reading = source.read(from, copyBytesMax, {
        upperBound: source.logEndOffset,
        atLeastOneBatch: true,
      });
      const read = reading instanceof Promise ? await reading : reading;
      // What lies before was deleted since it was asked for: the copy begins behind it.
      if (from > log.logEndOffset) await log.truncateFullyAndStartAt(read.firstOffset);
      this.#assertWanted();
      for (const buffer of read.buffers) log.appendAsFollower(buffer);
      await this.#throttle(read.sizeBytes);
    }
  }

  get #mustCut(): boolean {
    const { current, count } = this.#old.truncations;
    return current !== null || count !== this.#truncationsSeen;
  }

  /** What the old log lost to a truncation goes from the copy, too: by epochs, as in a follower. */
  async #cutBack(log: PartitionLog): Promise<void> {
    const old = this.#old;
    while (old.truncations.current !== null) await Promise.allSettled([old.truncations.current]);
    this.#truncationsSeen = old.truncations.count;
    while (isApart(log, old)) {
      const { latestEpoch } = log.leaderEpochs;
      const offset = truncationOffset(log, old.endOffsetForEpoch(latestEpoch), 0);
      await log.truncateTo(latestEpoch < 0 ? old.logEndOffset : offset);
    }
  }

  /** Lets time pass so that the copy keeps within the limit, which may change meanwhile. */
  async #throttle(sizeBytes: number): Promise<void> {
    const { clock } = this.#io;
    let left = sizeBytes;
    let beforeMs = clock.monotonic();
    for (;;) {
      const bytesPerSecond = this.#options.bytesPerSecondMax();
      const dueMs = bytesPerSecond > 0 ? (left * 1000) / bytesPerSecond : throttlePauseMsMax;
      if (dueMs < 1) return;
      await clock.sleep(Math.min(dueMs, throttlePauseMsMax));
      this.#assertWanted();
      const nowMs = clock.monotonic();
      left -= ((nowMs - beforeMs) * bytesPerSecond) / 1000;
      beforeMs = nowMs;
    }
  }

  /** A full disk may have room later; until then the old log stays, too. */
  async #granted(warning: string, work: () => Promise<void>): Promise<void> {
    while (!this.#isCancelled) {
      try {
        await work();
        return;
      } catch (error) {
        if (this.partition.role === 'offline' || !isExpectedFailure(error)) throw error;
        this.#io.log.warn(warning, { because: error.message });
        await this.#io.clock.sleep(retryMs);
      }
    }
    throw new MoveCancelled();
  }

  #assertWanted(): void {
    if (this.#isCancelled) throw new MoveCancelled();
  }

  /** Before it took over the copy is worth nothing; afterwards the next start sees to the rest. */
  async #giveUp(): Promise<void> {
    const { topic, partition } = this.partition;
    if (this.#hasTakenOver || this.#future === null) return;
    const future = this.#future;
    this.#future = null;
    const isOpen = this.target.log(topic, partition) === future;
    assert(!isOpen || this.#isPromoted, 'only a promoted copy has the name of the partition');
    try {
      if (isOpen) await this.target.deleteLog(topic, partition);
      else if (!this.#isPromoted) await future.remove();
      await clearMoved(this.#io.disk, this.#old);
    } catch (error) {
      if (!isExpectedFailure(error)) throw error;
      const { message } = error;
      this.#io.log.warn('what was copied is left', { path: future.directory, because: message });
    }
  }
}

/** The copy has what the log has not, or not any more. */
function isApart(copy: PartitionLog, log: PartitionLog): boolean {
  if (copy.logEndOffset > log.logEndOffset) return true;
  const { latestEpoch } = copy.leaderEpochs;
  if (latestEpoch < 0) return false;
  const { epoch, endOffset } = log.endOffsetForEpoch(latestEpoch);
  return epoch !== latestEpoch || endOffset < copy.logEndOffset;
}
