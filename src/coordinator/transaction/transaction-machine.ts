// The transactional ids whose state lives in one partition of __transaction_state. It holds the
// state; what is decided about it is in the files beside it, one per request.
//
// Invariant: `replay` alone changes a transaction, and by replacing it.

import type { BrokerConfig } from '../../config/index.ts';
import type { Clock } from '../../io/index.ts';
import type { Decision, Machine } from '../../machine/index.ts';
import type { Transaction } from './transaction.ts';
import type { TransactionRecord } from './transaction-record.ts';

export interface TransactionContext {
  readonly clock: Clock;
  readonly config: () => BrokerConfig;
  /** The level of transaction.version that the cluster has agreed on. */
  readonly transactionVersion: () => number;
  /** The largest record that the log of the machine takes, in bytes. */
  readonly recordBytesMax: () => number;
}

export type TransactionDecision<T> = Decision<TransactionRecord, T>;

export class TransactionMachine implements Machine<TransactionRecord> {
  readonly at: TransactionContext;
  readonly transactions = new Map<string, Transaction>();

  constructor(at: TransactionContext) {
    this.at = at;
  }

  replay({ transactionalId, transaction }: TransactionRecord): void {
    if (transactionalId === null) return;
    if (transaction === null) this.transactions.delete(transactionalId);
    else this.transactions.set(transactionalId, transaction);
  }
}

/** The decision to replace a transaction. */
export function become<T>(transaction: Transaction, response: T): TransactionDecision<T> {
  const { transactionalId } = transaction;
  return { records: [{ transactionalId, transaction }], response };
}

/** The decision to change nothing. */
export function answer<T>(response: T): TransactionDecision<T> {
  return { records: [], response };
}
