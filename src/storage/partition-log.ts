// One partition's log on disk: the ordered batches of a topic partition, in segments.
// (Signatures first; bodies follow.)

import type { Io } from '../io/index.ts';
import type { LeaderEpochCache } from './leader-epoch-cache.ts';
import type { LogConfig } from './log-config.ts';
import type { LogResources } from './log-resources.ts';

export interface PartitionLogOptions {
  /** The folder `<topic>-<partition>`; created if it is not there. */
  readonly directory: string;
  readonly topic: string;
  readonly partition: number;
  readonly config: LogConfig;
  readonly wasCleanShutdown: boolean;
  /** Offset up to which the log is known to be durable; recovery scans from its segment. */
  readonly recoveryPoint?: number;
  readonly logStartOffset?: number;
  /** Descriptors, tail cache and index memory, shared by all logs of the process. */
  readonly resources: LogResources;
  /** A failed fsync or truncation: what is on disk is no longer known. */
  readonly onFailure?: (error: Error) => void;
}

export interface LeaderAppend {
  readonly leaderEpoch: number;
  /** Coordinators may write control batches and skip the producer sequence check. */
  readonly origin?: 'client' | 'coordinator';
  readonly timestampNow: number;
}

export interface AppendResult {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** -1 unless the topic stamps records itself (LogAppendTime). */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /** The batch was there already; the offsets are those of the first time. */
  readonly isDuplicate: boolean;
  /** flush.messages or flush.ms is reached: await flush() before answering. */
  readonly flushDue: boolean;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface ReadOptions {
  /** No byte of a batch that reaches this offset is returned. */
  readonly upperBound: number;
  /** Return the first batch even if it alone is larger than bytesMax. */
  readonly atLeastOneBatch: boolean;
  /** For read_committed: list the aborted transactions the returned range touches. */
  readonly abortedTransactions?: boolean;
}

export interface LogRead {
  /** Whole batches in offset order; the first one contains the offset asked for. */
  readonly buffers: Buffer[];
  readonly sizeBytes: number;
  /** Base offset of the first batch; the offset asked for if nothing is there. */
  readonly firstOffset: number;
  /** Offset after the last batch returned; the offset asked for if nothing is there. */
  readonly nextOffset: number;
  readonly abortedTransactions: AbortedTransaction[] | null;
}

export interface TimestampOffset {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

export declare class PartitionLog {
  static open(io: Io, options: PartitionLogOptions): Promise<PartitionLog>;
  readonly topic: string;
  readonly partition: number;
  get directory(): string;
  get config(): LogConfig;
  get logStartOffset(): number;
  get logEndOffset(): number;
  get recoveryPoint(): number;
  get sizeBytes(): number;
  get leaderEpochs(): LeaderEpochCache;
  /** First offset of the oldest open transaction, else logEndOffset; not bounded by the HW. */
  get lastStableOffset(): number;
  /** What read_committed consumers may see: also undecided until the marker is replicated. */
  lastStableOffsetBelow(highWatermark: number): number;
  configure(config: LogConfig): void;
  appendAsLeader(records: Buffer, options: LeaderAppend): AppendResult;
  appendAsFollower(records: Buffer): AppendResult;
  flush(upTo?: number): Promise<void>;
  isFlushDue(nowMs: number): boolean;
  read(offset: number, bytesMax: number, options: ReadOptions): LogRead | Promise<LogRead>;
  offsetForTimestamp(timestampMs: number): Promise<TimestampOffset | null>;
  offsetOfMaxTimestamp(): Promise<TimestampOffset | null>;
  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number };
  /** Records that this replica leads from logEndOffset on under the epoch. */
  assignLeaderEpoch(epoch: number): void;
  truncateTo(offset: number): Promise<void>;
  truncateFullyAndStartAt(offset: number): Promise<void>;
  deleteRecordsBefore(offset: number): Promise<void>;
  applyRetention(nowMs: number, highWatermark: number): Promise<number>;
  expireProducers(nowMs: number): void;
  maybeRoll(nowMs: number): boolean;
  close(): Promise<void>;
  /** Closes without flushing and removes the folder at once. */
  remove(): Promise<void>;
}
