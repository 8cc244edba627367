// What a follower knows and does in one leader epoch: where it fetches next, what it takes of the
// answers, and to where its log is cut when that is not one with its leader's (KIP-101, KIP-279).
//
// Invariants: answers that were asked for in an epoch that is over, or for another place than where
// the log ends now, change nothing; the leader's watermark is taken only with an answer that says
// what comes next, which it does when our log is a part of its own; a fetch says of no record that
// we have it before it is as safe as the topic wants it, and of no log start that it is ours before
// a crash cannot bring back what lay before.

import { batchHeaders, isBatchCrcValid, KafkaError, readBatchHeader } from '../protocol/index.ts';
import type { AppendResult, PartitionLog } from '../storage/index.ts';
import type { PartitionState } from './partition-state.ts';

/** What the next fetch asks for. */
export interface FetchPosition {
  readonly fetchOffset: number;
  /** Of the last batch before it: the leader says whether that is its own there. -1: no batch. */
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

/** What the leader sent. */
export interface FetchedRecords {
  /** Where the fetch went on. */
  readonly fetchOffset: number;
  /** Whole batches; empty when there is nothing new. */
  readonly records: Buffer;
  readonly highWatermark: number;
}

/** Where the leader's log and ours part, as its answer says: the end of this epoch in its log. */
export interface DivergingEpoch {
  /** The largest epoch of the leader's that is not above the one asked for; -1 if it has none. */
  readonly epoch: number;
  readonly endOffset: number;
}

/** The partition, as its follower changes it. */
export interface FollowedPartition {
  /** A move between directories may replace it. */
  readonly log: () => PartitionLog;
  readonly highWatermark: () => number;
  readonly isFlushPending: (offset: number) => boolean;
  readonly onFlushDue: (endOffset: number) => void;
  readonly untilFlushed: (offset: number) => Promise<void>;
  /** Resolves when what lies before is gone for good. */
  readonly moveStart: (logStartOffset: number) => Promise<void>;
  /** Consumers that read here wait for it to become visible. */
  readonly onAppended: (endOffset: number, sizeBytes: number) => void;
  /** What is committed; it may be more than we have. */
  readonly onCommitted: (highWatermark: number) => void;
  /** The log is about to end, or has ended, at the offset at most. */
  readonly onTruncated: (endOffset: number) => void;
}

export class FollowerState {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly #partition: FollowedPartition;
  #isOver = false;
  /** The log start that a fetch may tell of while a newer one is being written down; else null. */
  #logStartTold: number | null = null;
  #startMoves = 0;

  constructor({ leader, leaderEpoch }: PartitionState, partition: FollowedPartition) {
    this.leader = leader;
    this.leaderEpoch = leaderEpoch;
    this.#partition = partition;
  }

  /** Another epoch, another role, or the end. */
  end(): void {
    this.#isOver = true;
  }

  /**
   * null while it must not fetch: the epoch is over, the log is being truncated, or what the fetch
   * would say that we have is not on the platter yet.
   */
  fetchPosition(): FetchPosition | null {
    const log = this.#partition.log();
    const { leaderEpochs, logStartOffset, logEndOffset } = log;
    if (!this.#mayChange(log) || this.#partition.isFlushPending(logEndOffset)) return null;
    return {
      fetchOffset: logEndOffset,
      lastFetchedEpoch: leaderEpochs.latestEpoch,
      logStartOffset: this.#logStartTold ?? logStartOffset,
    };
  }

  /**
   * Resolves when what kept it from fetching may be over.
   * @throws KafkaError as a flush does
   */
  async untilFetchable(): Promise<void> {
    const log = this.#partition.log();
    const { current } = log.truncations;
    if (current !== null) await Promise.allSettled([current]);
    else await this.#partition.untilFlushed(log.logEndOffset);
  }

  /**
   * Appends what the leader sent, and takes over its watermark; null if nothing was appended.
   * @throws KafkaError CORRUPT_MESSAGE if a batch is not what its leader was given; as the log does
   */
  append({ records: sent, highWatermark, fetchOffset }: FetchedRecords): AppendResult | null {
    const log = this.#partition.log();
    if (!this.#mayChange(log) || log.logEndOffset !== fetchOffset) return null;
    const records = this.#ofEpoch(sent);
    const result = records.length === 0 ? null : log.appendAsFollower(records);
    if (result !== null) this.#partition.onAppended(log.logEndOffset, records.length);
    if (result?.flushDue) this.#partition.onFlushDue(log.logEndOffset);
    this.#partition.onCommitted(highWatermark);
    return result;
  }

  /** Our log is empty, and the leader's begins within a batch: some of its records were deleted. */
  isInsideFirst({ records, fetchOffset }: FetchedRecords): boolean {
    const log = this.#partition.log();
    if (records.length === 0 || !this.#mayChange(log)) return false;
    if (log.logEndOffset !== fetchOffset || log.logStartOffset !== fetchOffset) return false;
    return readBatchHeader(records, 0).baseOffset < fetchOffset;
  }

  /**
   * Begins the log with a batch that `isInsideFirst`: whole, as in every log.
   * @returns false if nothing was done
   * @throws KafkaError as `append` does
   */
  async beginWith(fetched: FetchedRecords): Promise<boolean> {
    const { baseOffset } = readBatchHeader(fetched.records, 0);
    if (!(await this.startAnewAt(baseOffset))) return false;
    return this.append({ ...fetched, fetchOffset: baseOffset }) !== null;
  }

  /** What the leader wrote since it was elected anew is for a fetch of that epoch. */
  #ofEpoch(records: Buffer): Buffer {
    for (const header of batchHeaders(records)) {
      if (header.partitionLeaderEpoch > this.leaderEpoch)
        return records.subarray(0, header.position);
      if (!isBatchCrcValid(records, header)) {
        const what = `the batch at offset ${header.baseOffset} that the leader sent is damaged`;
        throw new KafkaError('CORRUPT_MESSAGE', what);
      }
    }
    return records;
  }

  /**
   * The leader's log begins there: ours does, too, as far as it is committed.
   * @returns null if it begins there already; else a promise that resolves when the next fetch may
   *   tell of it, and rejects as the log does
   */
  followLogStart(leaderStartOffset: number): Promise<void> | null {
    const log = this.#partition.log();
    const target = Math.min(leaderStartOffset, this.#partition.highWatermark());
    if (!this.#mayChange(log) || target <= log.logStartOffset) return null;
    this.#logStartTold ??= log.logStartOffset;
    this.#startMoves++;
    // One that fails leaves the older start to be told of: that is never wrong.
    return this.#partition.moveStart(target).then(() => {
      if (--this.#startMoves === 0) this.#logStartTold = null;
    });
  }

  /**
   * The leader said that our logs part: cuts ours back to where they may be one. Fetch again
   * afterwards; over several epochs it may take several answers.
   * @returns false if nothing was done
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  async truncateTo(diverging: DivergingEpoch): Promise<boolean> {
    const log = this.#partition.log();
    if (!this.#mayChange(log)) return false;
    const offset = truncationOffset(log, diverging, this.#partition.highWatermark());
    await this.#truncating(log, offset, () => log.truncateTo(offset));
    return true;
  }

  /**
   * The leader's log ends there, and it knows nothing of our epochs: cuts what lies behind.
   * @returns false if nothing was done
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  async truncateToEnd(endOffset: number): Promise<boolean> {
    const log = this.#partition.log();
    if (!this.#mayChange(log) || endOffset >= log.logEndOffset) return false;
    await this.#truncating(log, endOffset, () => log.truncateTo(endOffset));
    return true;
  }

  /**
   * The leader's log begins behind our end: drops everything and goes on there.
   * @returns false if nothing was done
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  async startAnewAt(offset: number): Promise<boolean> {
    const log = this.#partition.log();
    if (!this.#mayChange(log)) return false;
    await this.#truncating(log, offset, () => log.truncateFullyAndStartAt(offset));
    return true;
  }

  #mayChange(log: PartitionLog): boolean {
    return !this.#isOver && log.truncations.current === null;
  }

  async #truncating(
    log: PartitionLog,
    offset: number,
    truncate: () => Promise<void>,
  ): Promise<void> {
    this.#partition.onTruncated(offset);
    try {
      await truncate();
    } finally {
      // It may have cut further back, at the start of a batch.
      this.#partition.onTruncated(log.logEndOffset);
    }
  }
}

/** Where to cut. */
export function truncationOffset(
  log: Pick<PartitionLog, 'logEndOffset' | 'endOffsetForEpoch'>,
  { epoch, endOffset }: DivergingEpoch,
  highWatermark: number,
): number {
  const { logEndOffset } = log;
  // The leader knows of no epoch that old: what was committed is all that is surely its own, too.
  if (epoch < 0 || endOffset < 0) return Math.min(highWatermark, logEndOffset);
  const own = log.endOffsetForEpoch(epoch);
  // We know of none either.
  if (own.epoch < 0) return Math.min(endOffset, logEndOffset);
  // Behind its end the leader has only newer epochs than ours, and behind ours we have only epochs
  // that it has not; of one epoch the shorter part is the beginning of the longer one.
  return Math.min(own.endOffset, endOffset, logEndOffset);
}
