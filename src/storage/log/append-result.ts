// What an append is told and what it tells.

import type { BatchHeader } from '../../protocol/index.ts';
import type { DuplicateBatch } from '../producers/producer-states.ts';
import type { TransactionVerification } from '../producers/transaction-verification.ts';
import type { FlushPolicy } from './log-flusher.ts';
import type { LogState } from './log-state.ts';

export interface LeaderAppend {
  readonly leaderEpoch: number;
  /** Coordinators may write control batches and skip the producer sequence check. */
  readonly origin?: 'client' | 'coordinator';
  readonly timestampNow: number;
  /** Of an end marker: 2 when each transaction has a producer epoch of its own (KIP-890). */
  readonly transactionVersion?: number;
  /** What beginVerification gave for a transactional batch; left out where none is demanded. */
  readonly verification?: TransactionVerification | null | undefined;
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

/** The result of batches that were appended just now. */
export function appendedResult(
  log: LogState,
  batches: readonly BatchHeader[],
  { logAppendTimeMs, policy }: { logAppendTimeMs: number; policy: FlushPolicy },
): AppendResult {
  let recordCount = 0;
  for (const batch of batches) recordCount += batch.recordCount;
  return {
    baseOffset: (batches[0] as BatchHeader).baseOffset,
    lastOffset: (batches.at(-1) as BatchHeader).lastOffset,
    logAppendTimeMs,
    logStartOffset: log.logStartOffset,
    isDuplicate: false,
    flushDue: policy.onAppend(recordCount, log.config),
  };
}

/** The result of a batch that is in the log already. */
export function duplicateResult(log: LogState, known: DuplicateBatch): AppendResult {
  const { config, logStartOffset } = log;
  return {
    baseOffset: known.firstOffset,
    lastOffset: known.lastOffset,
    logAppendTimeMs: config.messageTimestampType === 'LogAppendTime' ? known.timestamp : -1,
    logStartOffset,
    isDuplicate: true,
    // The first answer may have been lost in the very flush that this one must wait for.
    flushDue: config.flushMessages <= known.lastOffset - known.firstOffset + 1,
  };
}
