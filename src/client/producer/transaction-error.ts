// What an error means for a transaction: it is asked again, or the transaction must be aborted, or
// the producer is of no use any more (KIP-98, KIP-588, KIP-1050). The tables are Java's.

import { branded } from '../../base/brand.ts';
import { ErrorCode, isRetriable, KafkaError } from '../../protocol/index.ts';

export type Severity = 'retriable' | 'abortable' | 'fatal';

/**
 * The transaction cannot be committed. `errorName` says why; what is worth another attempt at the
 * level of one request reads TRANSACTION_ABORTABLE here. `cause` is the error behind it.
 */
export class TransactionError extends KafkaError {
  static {
    branded(TransactionError, 'TransactionError');
  }
  /** False: abortTransaction, then begin again. True: close the producer. */
  readonly isFatal: boolean;

  constructor(cause: Error, isFatal: boolean) {
    const isOwnWord = cause instanceof KafkaError && !isRetriable(cause.code);
    const remedy = isFatal
      ? 'this producer cannot go on: close it'
      : 'the transaction cannot be committed: call abortTransaction()';
    const name = isOwnWord ? cause.errorName : 'TRANSACTION_ABORTABLE';
    super(name, `${cause.message} (${remedy})`);
    this.name = 'TransactionError';
    this.cause = cause;
    this.isFatal = isFatal;
  }

  override get abortable(): boolean {
    return !this.isFatal;
  }

  override get fatal(): boolean {
    return this.isFatal;
  }

  override get hint(): string {
    if (this.isFatal)
      return 'Close this producer and make a new one with the same transactionalId.';
    return 'Call abortTransaction(), then begin again and repeat the work.';
  }
}

const abortableCodes: ReadonlySet<number> = new Set([
  ErrorCode.TRANSACTION_ABORTABLE,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.OPERATION_NOT_ATTEMPTED,
  ErrorCode.OFFSET_METADATA_TOO_LARGE,
  ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
  // The consumer whose offsets are committed is not what its group knows of it.
  ErrorCode.FENCED_INSTANCE_ID,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.STALE_MEMBER_EPOCH,
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.GROUP_ID_NOT_FOUND,
  ErrorCode.REBALANCE_IN_PROGRESS,
]);

/** What a coordinator answers when another producer has taken over the transactional id. */
export function isFenced(code: number): boolean {
  return code === ErrorCode.INVALID_PRODUCER_EPOCH || code === ErrorCode.PRODUCER_FENCED;
}

/** Of the codes in a coordinator's answer; one that nobody expects there is fatal. */
export function severityOf(code: number): Severity {
  if (isRetriable(code)) return 'retriable';
  return abortableCodes.has(code) ? 'abortable' : 'fatal';
}

const fatalForBatch: ReadonlySet<number> = new Set([
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.UNSUPPORTED_VERSION,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
]);

/**
 * Of a batch that was given up. A leader that finds our epoch old does not know whether we were
 * fenced: aborting asks the coordinator, which does (KIP-588).
 */
export function isFatalForBatch(error: Error): boolean {
  return error instanceof KafkaError && fatalForBatch.has(error.code);
}
