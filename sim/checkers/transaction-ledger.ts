// What transactional producers sent and in which transaction, what they asked for at its end, and
// what they were told: the side of the story against which what is visible is held.

import { assert } from '../../src/base/assert.ts';
import { type Place, placeName } from './partition-contents.ts';
import { nameOf, type RecordIdentity } from './record-identity.ts';

/**
 * `open`: nobody has asked for its commit, and if its producer is dead nobody ever will.
 * `asked`: its commit was asked for, and how that ended is not known.
 */
export type TransactionOutcome = 'open' | 'asked' | 'committed' | 'aborted';

export interface SentTransaction {
  /** The producer's life, and how many it had begun before. */
  readonly name: string;
  readonly records: readonly RecordIdentity[];
  readonly outcome: TransactionOutcome;
}

interface Entry extends SentTransaction {
  readonly records: RecordIdentity[];
  outcome: TransactionOutcome;
}

export class TransactionLedger {
  readonly #sessions = new Set<string>();
  readonly #transactions: SentTransaction[] = [];
  readonly #byRecord = new Map<string, SentTransaction>();

  get transactions(): readonly SentTransaction[] {
    return this.#transactions;
  }

  /** One life of a producer. */
  openSession(name: string): TransactionSession {
    assert(!this.#sessions.has(name), 'a session has a name of its own');
    this.#sessions.add(name);
    return new TransactionSession(name, (transaction, record) => {
      if (record === null) this.#transactions.push(transaction);
      else this.#byRecord.set(nameOf(record), transaction);
    });
  }

  count(outcome: TransactionOutcome): number {
    return this.#transactions.filter((transaction) => transaction.outcome === outcome).length;
  }

  /** Throws unless it was sent, to that partition. */
  transactionOf(record: RecordIdentity): SentTransaction {
    const transaction = this.#byRecord.get(nameOf(record));
    assert(transaction !== undefined, `"${nameOf(record)}" was never sent`);
    return transaction;
  }
}

type OnSent = (transaction: SentTransaction, record: RecordIdentity | null) => void;

export class TransactionSession {
  readonly name: string;
  readonly #onSent: OnSent;
  readonly #counts = new Map<string, number>();
  #transactionCount = 0;
  #current: Entry | null = null;

  constructor(name: string, onSent: OnSent) {
    this.name = name;
    this.#onSent = onSent;
  }

  /** beginTransaction. The one before stays as it is. */
  begin(): SentTransaction {
    const name = `${this.name} transaction ${this.#transactionCount++}`;
    this.#current = { name, records: [], outcome: 'open' };
    this.#onSent(this.#current, null);
    return this.#current;
  }

  /** The next record for the partition, in the transaction under way. */
  next(place: Place): RecordIdentity {
    const transaction = this.#need();
    const number = this.#counts.get(placeName(place)) ?? 0;
    this.#counts.set(placeName(place), number + 1);
    const { topic, partition } = place;
    const record = { producer: this.name, topic, partition, number };
    transaction.records.push(record);
    this.#onSent(transaction, record);
    return record;
  }

  /** To be called before the commit is asked for. */
  onCommit(): void {
    this.#need().outcome = 'asked';
  }

  onCommitted(): void {
    this.#end('committed');
  }

  onAborted(): void {
    this.#end('aborted');
  }

  #end(outcome: 'committed' | 'aborted'): void {
    this.#need().outcome = outcome;
    this.#current = null;
  }

  #need(): Entry {
    assert(this.#current !== null, 'a transaction is under way');
    return this.#current;
  }
}
