// The transactional ids whose state lives in one partition of __transaction_state. It holds the
// state; what is decided about it is in the files beside it, one per request.
//
// Invariant: `replay` alone changes a transaction, and by replacing it.

import type { BrokerConfig } from '../../config/index.ts';
import type { Clock } from '../../io/index.ts';
import type { Decision, Machine } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
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

/**
 * Records of a cluster below level 1 have no room for what the second protocol of clients (KIP-890)
 * must not lose: the next producer id.
 * @param transactionVersion of the client
 * @throws KafkaError UNSUPPORTED_VERSION
 */
export function assertRoomFor(transactionVersion: number, { at }: TransactionMachine): void {
  if (transactionVersion < 2 || at.transactionVersion() > 0) return;
  throw new KafkaError('UNSUPPORTED_VERSION', 'transaction.version of the cluster is 0');
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
