// What a follower knows and does in one leader epoch: where it fetches next, what it takes of the
// answers, and to where its log is cut when that is not one with its leader's (KIP-101, KIP-279).
//
// Invariants: answers that were asked for in an epoch that is over change nothing; the leader's
// watermark is taken only with an answer that says what comes next, which it does when our log is
// a part of its own; a fetch says of no record that we have it before it is as safe as the topic
// wants it.

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
      logStartOffset,
    };
  }

  /**
   * Appends what the leader sent, and takes over its watermark; null if nothing was appended.
   * @throws KafkaError as the log does
   */
  append({ records, highWatermark }: FetchedRecords): AppendResult | null {
    const log = this.#partition.log();
    if (!this.#mayChange(log)) return null;
    const result = records.length === 0 ? null : log.appendAsFollower(records);
    if (result?.flushDue) this.#partition.onFlushDue(log.logEndOffset);
    this.#partition.onCommitted(highWatermark);
    return result;
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
