// What time does to transactions: one that takes too long is aborted and its producer fenced; a
// transactional id that nobody used for transactional.id.expiration.ms is forgotten.

import { isAtRest, type Transaction } from './transaction.ts';
import {
  answer,
  type TransactionDecision,
  type TransactionMachine,
} from './transaction-machine.ts';

/** The ids whose transactions are to be aborted now. */
export function timedOutTransactions(machine: TransactionMachine): string[] {
  const nowMs = machine.at.clock.now();
  return [...machine.transactions.values()]
    .filter((transaction) => isTimedOut(transaction, nowMs))
    .map(({ transactionalId }) => transactionalId);
}

/**
 * A transaction that began more than its timeout in the future has timed out, too: the clock of the
 * coordinator before this one was ahead, or this clock was set back. Kafka leaves the transaction
 * open, and its readers waiting, until the clock has caught up.
 */
export function isTimedOut({ state, startMs, timeoutMs }: Transaction, nowMs: number): boolean {
  return state === 'Ongoing' && Math.abs(nowMs - startMs) > timeoutMs;
}

/** The ids that may be forgotten now. */
export function expiredIds(machine: TransactionMachine): string[] {
  return [...machine.transactions.values()]
    .filter((transaction) => isExpired(machine, transaction))
    .map(({ transactionalId }) => transactionalId);
}

/** Forgets the id if it is still expired. */
export function forgetExpired(
  machine: TransactionMachine,
  transactionalId: string,
): TransactionDecision<void> {
  const known = machine.transactions.get(transactionalId);
  if (known === undefined || !isExpired(machine, known)) return answer(undefined);
  return { records: [{ transactionalId, transaction: null }], response: undefined };
}

function isExpired(machine: TransactionMachine, transaction: Transaction): boolean {
  const { clock, config } = machine.at;
  const expirationMs = config().get('transactional.id.expiration.ms');
  return isAtRest(transaction) && transaction.lastUpdateMs <= clock.now() - expirationMs;
}
