// ListTransactions and DescribeTransactions: what there is to see of transactions (KIP-664).

import { KafkaError } from '../../protocol/index.ts';
import { compileLinearRegex } from '../linear-regex.ts';
import type { Transaction, TransactionState } from './transaction.ts';
import type { TransactionMachine } from './transaction-machine.ts';

export interface TransactionFilter {
  /** Empty for all. */
  readonly states: readonly string[];
  /** Empty for all. */
  readonly producerIds: readonly number[];
  /** Only what began longer ago than this, in ms; -1 for all (KIP-994). */
  readonly durationMs: number;
  /** In RE2's syntax, what the whole of the transactional id matches; null for all (KIP-1152). */
  readonly idPattern: string | null;
}

type IsWantedId = (transactionalId: string) => boolean;

/** @throws KafkaError INVALID_REGULAR_EXPRESSION */
export function compileIdPattern(pattern: string | null): IsWantedId {
  if (pattern === null || pattern === '') return () => true;
  const compiled = compileLinearRegex(pattern, (reason) => `${pattern}: ${reason}`);
  return (transactionalId) => compiled.matches(transactionalId);
}

export interface ListedTransaction {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly state: TransactionState;
}

export function listTransactions(
  machine: TransactionMachine,
  filter: TransactionFilter,
): ListedTransaction[] {
  const nowMs = machine.at.clock.now();
  const states = new Set(filter.states);
  const producerIds = new Set(filter.producerIds);
  const isWantedId = compileIdPattern(filter.idPattern);
  const isWanted = (transaction: Transaction): boolean =>
    (states.size === 0 || states.has(transaction.state)) &&
    (producerIds.size === 0 || producerIds.has(transaction.producerId)) &&
    (filter.durationMs < 0 || nowMs - transaction.startMs > filter.durationMs) &&
    isWantedId(transaction.transactionalId);
  return [...machine.transactions.values()]
    .filter(isWanted)
    .map(({ transactionalId, producerId, state }) => ({ transactionalId, producerId, state }));
}

/** @throws KafkaError TRANSACTIONAL_ID_NOT_FOUND */
export function describeTransaction(
  machine: TransactionMachine,
  transactionalId: string,
): Transaction {
  const known = machine.transactions.get(transactionalId);
  if (known === undefined) throw new KafkaError('TRANSACTIONAL_ID_NOT_FOUND');
  return known;
}
