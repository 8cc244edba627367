// A transactional id and the transaction it is in: the value that __transaction_state keeps for it.
//
// Invariants: a transaction is never changed, only replaced by `replay`; partitions are named only
// from Ongoing to the end of Prepare*; a prepared transaction becomes complete and nothing else.

/** States as Kafka numbers them in its records. Dead and PrepareEpochFence are never written. */
export const TransactionStatus = {
  Empty: 0,
  Ongoing: 1,
  PrepareCommit: 2,
  PrepareAbort: 3,
  CompleteCommit: 4,
  CompleteAbort: 5,
  Dead: 6,
  PrepareEpochFence: 7,
} as const;

export type TransactionState = keyof typeof TransactionStatus;

export const transactionStates = Object.keys(TransactionStatus) as TransactionState[];

/** Topic to partition indexes. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>;

export interface Transaction {
  readonly transactionalId: string;
  readonly producerId: number;
  /** The id before the last change; who retries under it may go on. */
  readonly previousProducerId: number;
  /** The id that the producer has been told to go on with once this transaction is over; or -1. */
  readonly nextProducerId: number;
  readonly producerEpoch: number;
  /**
   * The epoch that the same producer had before, or -1. Kafka's records do not carry it: a retry
   * that meets a new coordinator is fenced.
   */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  readonly partitions: TransactionPartitions;
  /** Wall clock; -1 before the first transaction. */
  readonly startMs: number;
  readonly lastUpdateMs: number;
  /** 2 when the client begins each transaction with a new epoch (KIP-890), 0 before that. */
  readonly transactionVersion: number;
}

/** With what the producer of a transactional id begins, or goes on after a transaction. */
export interface InitializedProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export const noPartitions: TransactionPartitions = new Map();

const epochMax = 32_767;

/** The last epoch of all is kept for fencing: no producer is ever given it. */
export function isEpochExhausted(producerEpoch: number): boolean {
  return producerEpoch >= epochMax - 1;
}

/** The next epoch; the last one stays, so that a transaction can be aborted in any case. */
export function nextEpoch(producerEpoch: number): number {
  return Math.min(producerEpoch + 1, epochMax);
}

export function isPrepared({ state }: Transaction): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort';
}

/** No transaction is open: the id may begin one, be given to another producer, or be forgotten. */
export function isAtRest({ state }: Transaction): boolean {
  return state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort';
}
