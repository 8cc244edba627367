// Where a transactional producer stands, and which calls that allows.
//
//   uninitialized > initializing > ready <----------------------------+
//                                    | beginTransaction               |
//                              inTransaction > committing > ----------+
//                                    |  |          |                  |
//                                    |  +-> abortable > aborting > ---+
//                                    +-----------------> aborting
//
// Invariants: only these steps are made, and every state may end in `fatal`, which nothing leaves;
// `failure` is set in `abortable` and `fatal`, and kept while the abort is under way.

import { assert } from '../../base/assert.ts';
import { IllegalStateError } from '../errors.ts';
import type { TransactionError } from './transaction-error.ts';

export type TransactionStateName =
  | 'uninitialized'
  | 'initializing'
  | 'ready'
  | 'inTransaction'
  | 'committing'
  | 'aborting'
  | 'abortable'
  | 'fatal';

const predecessors: Readonly<Record<TransactionStateName, readonly TransactionStateName[]>> = {
  uninitialized: ['initializing'],
  initializing: ['uninitialized'],
  ready: ['initializing', 'committing', 'aborting'],
  inTransaction: ['ready'],
  committing: ['inTransaction'],
  aborting: ['inTransaction', 'abortable'],
  abortable: ['inTransaction', 'committing', 'aborting'],
  fatal: [
    'initializing',
    'ready',
    'inTransaction',
    'committing',
    'aborting',
    'abortable',
    'uninitialized',
  ],
};

/** What a call finds that comes at the wrong time: the state in words, and the remedy. */
const wrongTime: Readonly<Record<TransactionStateName, string>> = {
  uninitialized: 'before initTransactions(): call that first, once',
  initializing: 'while initTransactions() is under way: await it first',
  ready: 'outside of a transaction: call beginTransaction() first',
  inTransaction: 'within a transaction: commit or abort it first',
  committing: 'while commitTransaction() is under way: await it first',
  aborting: 'while abortTransaction() is under way: await it first',
  abortable: 'in a transaction that cannot be committed: call abortTransaction()',
  fatal: 'of a producer that cannot go on: close it',
};

export class TransactionState {
  #name: TransactionStateName = 'uninitialized';
  #failure: TransactionError | null = null;

  get name(): TransactionStateName {
    return this.#name;
  }

  get failure(): TransactionError | null {
    return this.#failure;
  }

  /** Between beginTransaction and the end of its commit or abort, if there is still hope of it. */
  get isOpen(): boolean {
    const name = this.#name;
    return name !== 'uninitialized' && name !== 'initializing' && name !== 'ready' && !this.isFatal;
  }

  get isFatal(): boolean {
    return this.#name === 'fatal';
  }

  become(name: Exclude<TransactionStateName, 'abortable' | 'fatal'>): void {
    this.#step(name);
    if (name === 'ready') this.#failure = null;
  }

  /** The first failure counts; a fatal one replaces what can be aborted. */
  fail(failure: TransactionError): void {
    if (this.isFatal) return;
    if (this.#name === 'abortable' && !failure.isFatal) return;
    this.#step(failure.isFatal ? 'fatal' : 'abortable');
    this.#failure = failure;
  }

  /** Throws unless this call is right in one of these states: the failure if there is one. */
  assertMay(call: string, ...allowed: readonly TransactionStateName[]): void {
    const name = this.#name;
    if (allowed.includes(name)) return;
    if (this.#failure !== null && (name === 'abortable' || name === 'fatal')) throw this.#failure;
    const isAgain = call === 'initTransactions()' && name !== 'initializing';
    const problem = isAgain ? 'again: once is enough' : wrongTime[name];
    throw new IllegalStateError(`${call} was called ${problem}`);
  }

  #step(name: TransactionStateName): void {
    const isLegal = predecessors[name].includes(this.#name);
    assert(isLegal, `a transaction does not step from ${this.#name} to ${name}`);
    this.#name = name;
  }
}
