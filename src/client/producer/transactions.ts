// The transactional side of a producer: calls in, requests to the coordinators out, and what the
// sender has to know in between (which batches may go, which are to be given up).
//
// Invariants: requests about a transaction go to its coordinator one after the other, so that
// none that adds to it arrives behind its end; it is ended only when every batch is settled;
// numbers begin anew under a new epoch whenever a numbered batch was given up (KIP-360), so that a
// batch still on its way to a broker can never become part of a later transaction.

import { Deferred } from '../../base/deferred.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { Client } from '../client.ts';
import type { GroupMetadata } from '../consumer/consumer-group.ts';
import type { OffsetToCommit } from '../consumer/group-offsets.ts';
import { IllegalStateError, InvalidArgumentError } from '../errors.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { ProducerBatch } from './producer-batch.ts';
import type { ProducerIdentity } from './producer-identity.ts';
import { isFatalForBatch, TransactionError } from './transaction-error.ts';
import {
  type TransactionProtocol,
  TransactionRequests,
  type TransactionRequestsOptions,
} from './transaction-requests.ts';
import { TransactionState } from './transaction-state.ts';

export interface TransactionHooks {
  /** Resolves when every record that was accepted is delivered or has failed. */
  settled(): Promise<void>;
  /** Records that are in no batch yet fail with this. */
  dropWaiting(error: Error): void;
  /** The sender shall look again. */
  wake(): void;
}

interface Operation {
  readonly call: string;
  readonly done: Promise<void>;
}

/** Mistakes of the caller: they cost nothing of the transaction. */
function assertOffsets(offsets: readonly OffsetToCommit[], group: GroupMetadata): void {
  if (!Array.isArray(offsets)) {
    throw new InvalidArgumentError(
      'offsets are a list: give consumer.positions(), or { topic, … } of each',
    );
  }
  if (typeof group?.groupId !== 'string' || group.groupId === '') {
    throw new InvalidArgumentError('groupMetadata names no group: give consumer.groupMetadata()');
  }
  for (const { topic, partition, offset } of offsets) {
    if (Number.isSafeInteger(offset) && offset >= 0) continue;
    throw new InvalidArgumentError(`${topic}-${partition}: ${offset} is no offset`);
  }
}

export class Transactions {
  readonly transactionalId: string;
  readonly #client: Client;
  readonly #hooks: TransactionHooks;
  readonly #requests: TransactionRequests;
  readonly #state = new TransactionState();
  /** initTransactions, commitTransaction or abortTransaction, until its caller has its outcome. */
  #operation: Operation | null = null;
  /** Behind it the next request to the coordinator may go. */
  #tail: Promise<void> = Promise.resolve();
  /** Counts transactions, so that queues know whether they are part of this one. */
  #number = 0;
  /** First protocol: written to, and not added yet. */
  #toAdd: PartitionQueue[] = [];
  #isAddScheduled = false;
  /** Whether the coordinator may know of a transaction of ours. */
  #hasStarted: 'no' | 'maybe' | 'yes' = 'no';
  #hasLostNumbers = false;
  #abortReason: Error | null = null;

  constructor(
    client: Client,
    options: TransactionRequestsOptions,
    identity: ProducerIdentity,
    hooks: TransactionHooks,
  ) {
    this.transactionalId = options.transactionalId;
    this.#client = client;
    this.#hooks = hooks;
    this.#requests = new TransactionRequests(client, options, identity);
  }

  get isUninitialized(): boolean {
    return this.#state.name === 'uninitialized' && this.#operation === null;
  }

  get isOpen(): boolean {
    return this.#state.isOpen;
  }

  get protocol(): TransactionProtocol {
    return this.#requests.protocol;
  }

  /** Why batches are given up instead of sent, or null. */
  get refusal(): Error | null {
    return this.#state.failure ?? this.#abortReason;
  }

  init(timeoutMs: number): Promise<void> {
    return this.#operate('initTransactions()', timeoutMs, () => {
      this.#state.assertMay('initTransactions()', 'uninitialized');
      this.#state.become('initializing');
      return this.#init();
    });
  }

  begin(): void {
    this.#assertNothingPending('beginTransaction()');
    this.#state.assertMay('beginTransaction()', 'ready');
    this.#state.become('inTransaction');
    this.#number++;
    this.#hasStarted = 'no';
    this.#hasLostNumbers = false;
  }

  /** Throws unless a record may be sent now. */
  assertMaySend(call: string): void {
    if (this.#state.name !== 'inTransaction') this.#state.assertMay(call, 'inTransaction');
  }

  commit(timeoutMs: number): Promise<void> {
    return this.#operate('commitTransaction()', timeoutMs, () => {
      this.#state.assertMay('commitTransaction()', 'inTransaction');
      this.#state.become('committing');
      return this.#commit();
    });
  }

  abort(timeoutMs: number): Promise<void> {
    return this.#operate('abortTransaction()', timeoutMs, () => {
      this.#state.assertMay('abortTransaction()', 'inTransaction', 'abortable');
      this.#state.become('aborting');
      return this.#abort();
    });
  }

  async sendOffsets(
    offsets: readonly OffsetToCommit[],
    group: GroupMetadata,
    timeoutMs: number,
  ): Promise<void> {
    this.#state.assertMay('sendOffsetsToTransaction()', 'inTransaction');
    assertOffsets(offsets, group);
    if (offsets.length === 0) return;
    await this.#enqueue(async () => {
      if (this.refusal !== null) throw this.refusal;
      await this.#guard(() =>
        this.#requests.commitOffsets(offsets, group, timeoutMs, () => this.#onMaybeStarted()),
      );
      this.#hasStarted = 'yes';
    });
  }

  /** A record was put into this queue. */
  onAppend(queue: PartitionQueue): void {
    if (queue.transactionNumber === this.#number) return;
    queue.transactionNumber = this.#number;
    if (this.protocol === 2) {
      queue.isInTransaction = true;
      this.#onMaybeStarted();
      return;
    }
    queue.isInTransaction = false;
    this.#toAdd.push(queue);
    if (this.#isAddScheduled) return;
    this.#isAddScheduled = true;
    // With the end of this turn: records to several partitions need one request.
    this.#client.io.clock.nextTurn(() => {
      this.#isAddScheduled = false;
      void this.#enqueue(() => this.#addPartitions()).catch(() => {
        // The failure is in the state, and in every record that it costs.
      });
    });
  }

  /** A record failed before it was in a batch. */
  onRecordFailed(error: Error): void {
    const { name } = this.#state;
    // Otherwise it has failed because of the state, or belongs to no transaction.
    if (name !== 'inTransaction' && name !== 'committing' && name !== 'abortable') return;
    this.#fail(new TransactionError(error, isFatalForBatch(error)));
  }

  onBatchFailed(batch: ProducerBatch, error: Error): void {
    if (batch.hasSequence) this.#hasLostNumbers = true;
    this.onRecordFailed(error);
  }

  /** Ends what is open, before the producer closes. */
  async finish(): Promise<void> {
    if (this.#operation !== null) {
      await this.#operation.done;
      return;
    }
    if (this.#state.isOpen) await this.abort(Number.POSITIVE_INFINITY);
  }

  close(): void {
    this.#requests.close();
  }

  async #init(): Promise<void> {
    try {
      await this.#guard(() => this.#requests.initProducerId(false));
      this.#becomeReady();
    } finally {
      if (this.#state.name === 'initializing') this.#state.become('uninitialized');
    }
  }

  async #commit(): Promise<void> {
    await this.#hooks.settled();
    await this.#enqueue(async () => {
      const { failure } = this.#state;
      if (failure !== null) throw failure;
      if (this.#hasStarted !== 'no') {
        await this.#guard(() => this.#requests.endTransaction(true));
      }
      this.#becomeReady();
    });
  }

  async #abort(): Promise<void> {
    this.#abortReason = new KafkaError(
      'TRANSACTION_ABORTABLE',
      'the transaction was aborted before the record was delivered',
    );
    this.#hooks.dropWaiting(this.refusal as Error);
    this.#hooks.wake();
    await this.#hooks.settled();
    await this.#enqueue(async () => {
      // What was under way when the abort was asked for may have failed since. That is no news,
      // unless the producer is of no use any more.
      if (this.#state.isFatal) throw this.#state.failure;
      if (this.#state.name === 'abortable') this.#state.become('aborting');
      await this.#guard(() => this.#endAborted());
      this.#becomeReady();
    });
  }

  async #endAborted(): Promise<void> {
    if (this.#hasStarted !== 'no') await this.#endIfStarted();
    const isNumberedAnew = this.protocol === 2 && this.#hasStarted !== 'no';
    if (this.#hasLostNumbers && !isNumberedAnew) await this.#requests.initProducerId(true);
  }

  async #endIfStarted(): Promise<void> {
    try {
      await this.#requests.endTransaction(false);
    } catch (error) {
      // What was to begin the transaction has lost its answer, and had not reached the coordinator.
      const isCertain = this.#hasStarted === 'yes' || this.protocol === 2;
      const isUnknown = error instanceof KafkaError && error.errorName === 'INVALID_TXN_STATE';
      if (isCertain || !isUnknown) throw error;
    }
  }

  async #addPartitions(): Promise<void> {
    const queues = this.#toAdd;
    this.#toAdd = [];
    if (queues.length === 0 || this.refusal !== null) return;
    this.#onMaybeStarted();
    await this.#guard(() => this.#requests.addPartitions(queues, () => this.refusal !== null));
    this.#hasStarted = 'yes';
    for (const queue of queues) queue.isInTransaction = true;
    this.#hooks.wake();
  }

  #becomeReady(): void {
    this.#abortReason = null;
    this.#toAdd = [];
    this.#requests.settleProtocol();
    this.#state.become('ready');
  }

  #onMaybeStarted(): void {
    if (this.#hasStarted === 'no') this.#hasStarted = 'maybe';
  }

  /** Runs a request; what it fails with decides over the transaction. */
  async #guard(request: () => Promise<void>): Promise<void> {
    try {
      await request();
    } catch (error) {
      const isVerdict = error instanceof TransactionError;
      const failure = isVerdict ? error : new TransactionError(error as Error, false);
      // Not initialized, not begun: there is nothing to abort, only to try again.
      if (this.#state.name === 'initializing' && !failure.isFatal) throw error;
      this.#fail(failure);
      throw failure;
    }
  }

  #fail(failure: TransactionError): void {
    this.#state.fail(failure);
    this.#hooks.wake();
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => {
      // Whoever asked for it is told.
    });
    return done;
  }

  async #operate(call: string, timeoutMs: number, start: () => Promise<void>): Promise<void> {
    let operation = this.#operation;
    if (operation === null) {
      operation = { call, done: start() };
      this.#operation = operation;
      operation.done.catch(() => {
        // Thrown to those who wait, or to who calls again after the time was up.
      });
    } else if (operation.call !== call) this.#assertNothingPending(call);
    if (await this.#isDoneWithin(operation.done, timeoutMs)) {
      if (this.#operation === operation) this.#operation = null;
      return operation.done;
    }
    const message = `${call} was not done within ${timeoutMs} ms, and goes on`;
    throw new KafkaError('REQUEST_TIMED_OUT', `${message}: call it again to wait for it`);
  }

  async #isDoneWithin(done: Promise<void>, timeoutMs: number): Promise<boolean> {
    const outcome = new Deferred<boolean>();
    const timer =
      timeoutMs === Number.POSITIVE_INFINITY
        ? null
        : this.#client.io.clock.after(timeoutMs, () => outcome.resolve(false));
    const onDone = (): void => outcome.resolve(true);
    done.then(onDone, onDone);
    const isDone = await outcome.promise;
    timer?.cancel();
    return isDone;
  }

  #assertNothingPending(call: string): void {
    const operation = this.#operation;
    if (operation === null) return;
    const message = `${call} was called while ${operation.call} is under way: await it first`;
    throw new IllegalStateError(message);
  }
}
