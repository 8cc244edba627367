// What an append is told and what it tells.

import type { TransactionVerification } from './transaction-verification.ts';

export interface LeaderAppend {
  readonly leaderEpoch: number;
  /** Coordinators may write control batches and skip the producer sequence check. */
  readonly origin?: 'client' | 'coordinator';
  readonly timestampNow: number;
  /** Of an end marker: 2 when each transaction has a producer epoch of its own (KIP-890). */
  readonly transactionVersion?: number;
  /** What beginVerification gave for a transactional batch; left out where none is demanded. */
  readonly verification?: TransactionVerification | null;
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
