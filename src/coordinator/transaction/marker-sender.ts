// Sends the markers of prepared transactions to the leaders of their partitions, again and again
// until every partition has answered; then the transaction is complete. Markers for one broker that
// come up in the same turn go together, and so do all that are sent again: a partition that is away
// for long costs a request now and then, however many transactions wait for it.
//
// Invariants: it is told of a transaction only when its Prepare record is committed, so no marker
// says what a later coordinator could decide otherwise; a partition that was deleted needs no
// marker; a broker that knows a newer coordinator ends the sending, for we are not it.

import type { Io } from '../../io/index.ts';
import type { MetadataImage } from '../../metadata/index.ts';
import { ErrorCode, errorName, KafkaError } from '../../protocol/index.ts';
import type { EndMarker } from '../../storage/index.ts';
import type { Transaction, TransactionPartitions } from './transaction.ts';

/** The end of a transaction in some partitions: what WriteTxnMarkers asks their leaders for. */
export interface TransactionMarker extends EndMarker {
  readonly topics: readonly {
    readonly name: string;
    readonly partitionIndexes: readonly number[];
  }[];
}

/** The answer to one marker: a code for every partition it named. */
export interface MarkerResult {
  readonly producerId: number;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
  }[];
}

/** Sends markers to a broker; one result per marker, in their order. May be this very broker. */
export type SendMarkers = (
  brokerId: number,
  markers: readonly TransactionMarker[],
) => Promise<readonly MarkerResult[]>;

export interface MarkerSenderOptions {
  /** Leader epoch of the partition of __transaction_state: a lower one is a zombie's. */
  readonly coordinatorEpoch: number;
  readonly image: () => MetadataImage;
  readonly send: SendMarkers;
  readonly onComplete: (transaction: Transaction) => void;
  /** An invariant is broken: the process must not go on. */
  readonly onBug: (error: Error) => void;
}

/** Rest, at the most, before a partition whose leader refused, or is not known, is asked again. */
const retryMs = 100;

/** Answers after which a partition is not asked again: done, or it keeps no transactions at all. */
const final: ReadonlySet<number> = new Set([
  ErrorCode.NONE,
  ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  ErrorCode.UNSUPPORTED_VERSION,
]);

/** Answers of brokers that know a newer coordinator, or a newer producer. */
const fenced: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.TRANSACTION_COORDINATOR_FENCED,
]);

interface Pending {
  readonly transaction: Transaction;
  /** Topics and partitions that have no marker yet. */
  readonly remaining: Map<string, Set<number>>;
  /** Brokers that have not answered yet; nobody is asked twice meanwhile. */
  askedCount: number;
}

type Slice = { readonly pending: Pending; readonly topics: Map<string, number[]> };

export class MarkerSender {
  readonly #io: Io;
  readonly #options: MarkerSenderOptions;
  readonly #pending = new Map<string, Pending>();
  /** To be looked at in this turn. */
  #due: Pending[] = [];
  /** To be looked at again when the rest is over. */
  #resting: Pending[] = [];
  #isClosed = false;

  constructor(io: Io, options: MarkerSenderOptions) {
    this.#io = io;
    this.#options = options;
  }

  /** Transactions that some partition has not answered for. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** The partitions of a transaction that have no marker yet; undefined: it is not being ended. */
  remainingOf(transactionalId: string): TransactionPartitions | undefined {
    return this.#pending.get(transactionalId)?.remaining;
  }

  /** Nothing is sent or heard any more; whoever coordinates next sends again. */
  close(): void {
    this.#isClosed = true;
    this.#pending.clear();
    this.#due = [];
    this.#resting = [];
  }

  /** The end of the transaction is decided and committed. */
  begin(transaction: Transaction): void {
    // Committed, but what came after it was not, and cost the machine: the next one sends it.
    if (this.#isClosed) return;
    const remaining = new Map(
      [...transaction.partitions].map(([topic, indexes]) => [topic, new Set(indexes)]),
    );
    const pending: Pending = { transaction, remaining, askedCount: 0 };
    this.#pending.set(transaction.transactionalId, pending);
    this.#enqueue(pending);
  }

  #enqueue(pending: Pending): void {
    this.#due.push(pending);
    if (this.#due.length > 1) return;
    // After whatever else was committed together with it.
    void Promise.resolve().then(() => this.#flush());
  }

  #flush(): void {
    const byLeader = new Map<number, Slice[]>();
    for (const pending of this.#due.splice(0)) {
      if (!this.#isCurrent(pending)) continue;
      for (const [leader, topics] of this.#slicesOf(pending)) {
        pending.askedCount += 1;
        const list = byLeader.get(leader);
        if (list === undefined) byLeader.set(leader, [{ pending, topics }]);
        else list.push({ pending, topics });
      }
      this.#settle(pending);
    }
    for (const [leader, slices] of byLeader) void this.#send(leader, slices);
  }

  #isCurrent(pending: Pending): boolean {
    return this.#pending.get(pending.transaction.transactionalId) === pending;
  }

  /** What remains and has a leader, by that leader. */
  #slicesOf({ remaining }: Pending): Map<number, Map<string, number[]>> {
    const image = this.#options.image();
    const slices = new Map<number, Map<string, number[]>>();
    for (const [topic, indexes] of remaining) {
      for (const index of indexes) {
        const leader = image.topic(topic)?.partitions[index]?.leader;
        if (leader === undefined) {
          indexes.delete(index);
          continue;
        }
        if (leader < 0) continue;
        const slice = slices.get(leader) ?? new Map<string, number[]>();
        slices.set(leader, slice);
        const list = slice.get(topic);
        if (list === undefined) slice.set(topic, [index]);
        else list.push(index);
      }
      if (indexes.size === 0) remaining.delete(topic);
    }
    return slices;
  }

  /** Everybody who was asked has answered: it is over, or the rest is asked for again. */
  #settle(pending: Pending): void {
    const { transaction, remaining, askedCount } = pending;
    if (askedCount > 0 || !this.#isCurrent(pending)) return;
    if (remaining.size > 0) {
      this.#rest(pending);
      return;
    }
    this.#pending.delete(transaction.transactionalId);
    this.#options.onComplete(transaction);
  }

  #rest(pending: Pending): void {
    this.#resting.push(pending);
    if (this.#resting.length > 1) return;
    this.#io.clock.after(retryMs, () => {
      const { length: count } = this.#resting;
      if (count > 0) this.#io.log.debug('transaction markers are sent again', { count });
      for (const rested of this.#resting.splice(0)) {
        if (this.#isCurrent(rested)) this.#enqueue(rested);
      }
    });
  }

  async #send(leader: number, slices: readonly Slice[]): Promise<void> {
    let results: readonly MarkerResult[];
    try {
      results = await this.#options.send(
        leader,
        slices.map((slice) => this.#markerOf(slice)),
      );
    } catch (error) {
      this.#onSendFailed(leader, slices, error as Error);
      return;
    }
    slices.forEach(({ pending }, index) => {
      pending.askedCount -= 1;
      this.#onResult(pending, results[index]);
      this.#settle(pending);
    });
  }

  #markerOf({ pending, topics }: Slice): TransactionMarker {
    const { producerId, producerEpoch, transactionVersion, state } = pending.transaction;
    return {
      producerId,
      producerEpoch,
      coordinatorEpoch: this.#options.coordinatorEpoch,
      isCommit: state === 'PrepareCommit',
      transactionVersion,
      topics: [...topics].map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
    };
  }

  #onSendFailed(leader: number, slices: readonly Slice[], error: Error): void {
    if (!(error instanceof KafkaError) && !('code' in error)) {
      this.#options.onBug(error);
      return;
    }
    this.#io.log.warn(`broker ${leader} has no transaction markers yet: ${error.message}`);
    for (const { pending } of slices) {
      pending.askedCount -= 1;
      this.#settle(pending);
    }
  }

  #onResult(pending: Pending, result: MarkerResult | undefined): void {
    for (const { name, partitions } of result?.topics ?? []) {
      for (const { partitionIndex, errorCode } of partitions) {
        if (final.has(errorCode)) this.#onWritten(pending, name, partitionIndex);
        if (fenced.has(errorCode)) this.#onFenced(pending, `${name}-${partitionIndex}`, errorCode);
      }
    }
  }

  #onFenced(pending: Pending, partition: string, errorCode: number): void {
    const { transactionalId } = pending.transaction;
    if (this.#isCurrent(pending)) this.#pending.delete(transactionalId);
    this.#io.log.warn(
      `the markers of ${transactionalId} are not sent any more: ` +
        `${partition} answered ${errorName(errorCode)}`,
    );
  }

  #onWritten({ remaining }: Pending, topic: string, partitionIndex: number): void {
    const indexes = remaining.get(topic);
    indexes?.delete(partitionIndex);
    if (indexes?.size === 0) remaining.delete(topic);
  }
}
