// One partition of __transaction_state that this broker leads, the machine of the transactional ids
// in it, and the sender of their markers.
//
// Invariants: a request is decided only when the log is replayed; markers follow the commit of the
// record that decides a transaction, and are sent again by whoever loads that record; when the
// machine is lost its sender is, too, and both are built again as long as this broker leads.

import type { BrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import { MachineRuntime } from '../../machine/index.ts';
import type { MetadataImage } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { Partition } from '../../replication/index.ts';
import type { Shard } from '../internal-topic-shards.ts';
import { PartitionMachineLog } from '../partition-machine-log.ts';
import { completeTransaction, fenceTransaction } from './end-transaction.ts';
import {
  expiredIds,
  forgetExpired,
  isTimedOut,
  timedOutTransactions,
} from './expire-transactions.ts';
import { needsProducerId } from './init-producer-id.ts';
import { MarkerSender } from './marker-sender.ts';
import { isPrepared, type Transaction } from './transaction.ts';
import { answer, type TransactionDecision, TransactionMachine } from './transaction-machine.ts';
import type { SendMarkers } from './transaction-marker.ts';
import {
  type TransactionRecord,
  transactionRecordCodec,
  unknownRecord,
} from './transaction-record.ts';
import { describeTransaction } from './transaction-views.ts';

export interface TransactionShardOptions {
  readonly partition: Partition;
  readonly config: () => BrokerConfig;
  readonly image: () => MetadataImage;
  readonly newProducerId: () => Promise<number>;
  readonly sendMarkers: SendMarkers;
  /** An invariant is broken: the process must not go on. */
  readonly onBug: (error: Error) => void;
}

type Decide<T> = (machine: TransactionMachine) => TransactionDecision<T>;
type DecideWithProducerId<T> = (
  machine: TransactionMachine,
  newProducerId: number,
) => TransactionDecision<T>;

/** Pause before a machine that was lost is built again. */
const reloadDelayMs = 1000;
/** Appends that may wait for the in-sync replicas at once. */
const appendsInFlightMax = 8;
/** Longest timer that every platform keeps. */
const timerMsMax = 2 ** 31 - 1;

export class TransactionShard implements Shard {
  readonly leaderEpoch: number;
  readonly #io: Io;
  readonly #options: TransactionShardOptions;
  readonly #runtime: MachineRuntime<TransactionMachine, TransactionRecord>;
  readonly #log: PartitionMachineLog<TransactionRecord>;
  #machine: TransactionMachine | null = null;
  #sender: MarkerSender;
  #isReady = false;
  #isClosed = false;
  #loading: Promise<void> = Promise.resolve();

  constructor(io: Io, options: TransactionShardOptions) {
    this.#io = io;
    this.#options = options;
    const { partition } = options;
    this.leaderEpoch = partition.leaderEpoch;
    this.#sender = this.#newSender();
    this.#log = new PartitionMachineLog<TransactionRecord>(io, {
      partition,
      codec: transactionRecordCodec(() => Math.min(this.#transactionVersion(), 1)),
      compression: 0,
      readBytesMax: options.config().get('transaction.state.log.load.buffer.size'),
      unknown: unknownRecord,
    });
    this.#runtime = new MachineRuntime<TransactionMachine, TransactionRecord>(io, {
      name: `${partition.topic}-${partition.partition}`,
      log: this.#log,
      build: () => this.#build(),
      lostError,
      onLost: (cause) => this.#onLost(cause),
      appendsInFlightMax,
    });
  }

  /** Resolves when the machine is loaded, or cannot be for now. */
  get loaded(): Promise<void> {
    return this.#loading;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    this.#loading = this.#load();
  }

  close(): void {
    this.#isClosed = true;
    this.#runtime.close();
    this.#abandon();
  }

  /**
   * Decides on a request; the answer leaves when what it rests on is committed.
   * @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, and what the decision throws
   */
  async decide<T>(decide: Decide<T>): Promise<T> {
    if (this.#isClosed) throw new KafkaError('NOT_COORDINATOR');
    if (!this.#isReady) throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS');
    return await this.#submit(decide);
  }

  /**
   * The same where the id is new or its epochs are used up, so that another producer id is needed:
   * it comes from the controller, and the machine cannot wait for it.
   */
  async decideWithProducerId<T>(
    transactionalId: string,
    decide: DecideWithProducerId<T>,
  ): Promise<T> {
    let newProducerId = -1;
    for (;;) {
      // The state may have changed while the id was on its way.
      const attempt = await this.decide<{ readonly response: T } | null>((machine) => {
        if (newProducerId < 0 && needsProducerId(machine, transactionalId)) return answer(null);
        const { records, response } = decide(machine, newProducerId);
        return { records, response: { response } };
      });
      if (attempt !== null) return attempt.response;
      newProducerId = await this.#options.newProducerId();
    }
  }

  /**
   * The transaction, with the partitions that it still has to end where its end is decided.
   * @throws KafkaError TRANSACTIONAL_ID_NOT_FOUND, and as `decide`
   */
  async describe(transactionalId: string): Promise<Transaction> {
    const transaction = await this.decide((machine) =>
      answer(describeTransaction(machine, transactionalId)),
    );
    const partitions = this.#sender.remainingOf(transactionalId);
    return partitions === undefined ? transaction : { ...transaction, partitions };
  }

  async #submit<T>(decide: Decide<T>): Promise<T> {
    const sender = this.#sender;
    let records: readonly TransactionRecord[] = [];
    const response = await this.#runtime.submit((machine) => {
      const decision = decide(machine);
      records = decision.records;
      return decision;
    });
    for (const { transaction } of records) {
      if (transaction !== null && isPrepared(transaction)) sender.begin(transaction);
    }
    return response;
  }

  /** A decision that nobody waits for. */
  #alone(deciding: Promise<unknown>): void {
    deciding.catch((error: unknown) => {
      // The machine is gone, or the state has moved on, and with it the reason to decide.
      if (!(error instanceof KafkaError)) this.#options.onBug(error as Error);
    });
  }

  #build(): { machine: TransactionMachine; replayFrom: number } {
    this.#sender.close();
    this.#sender = this.#newSender();
    this.#machine = new TransactionMachine({
      clock: this.#io.clock,
      config: this.#options.config,
      transactionVersion: () => this.#transactionVersion(),
      recordBytesMax: () => this.#log.batchBytesMax,
    });
    return { machine: this.#machine, replayFrom: 0 };
  }

  #newSender(): MarkerSender {
    const { image, sendMarkers, onBug } = this.#options;
    return new MarkerSender(this.#io, {
      coordinatorEpoch: this.leaderEpoch,
      image,
      send: sendMarkers,
      onComplete: (transaction) => this.#onComplete(transaction),
      onBug,
    });
  }

  #transactionVersion(): number {
    return this.#options.image().features.get('transaction.version') ?? 0;
  }

  #onComplete(transaction: Transaction): void {
    this.#alone(this.decide((machine) => completeTransaction(machine, transaction)));
  }

  async #load(): Promise<void> {
    try {
      await this.#runtime.load();
    } catch (error) {
      this.#onLost(error);
      return;
    }
    if (this.#isClosed || this.#runtime.state !== 'active') return;
    this.#isReady = true;
    for (const transaction of this.#machine?.transactions.values() ?? []) {
      if (isPrepared(transaction)) this.#sender.begin(transaction);
    }
    this.#abortTimedOutRepeatedly();
    this.#forgetExpiredRepeatedly();
  }

  #abortTimedOutRepeatedly(): void {
    const intervalMs = (config: BrokerConfig) =>
      config.get('transaction.abort.timed.out.transaction.cleanup.interval.ms');
    this.#every(intervalMs, (machine) => {
      for (const transactionalId of timedOutTransactions(machine)) {
        this.#io.log.info(`the transaction of ${transactionalId} took too long: it is aborted`);
        this.#alone(this.#abortTimedOut(transactionalId));
      }
    });
  }

  #abortTimedOut(transactionalId: string): Promise<unknown> {
    return this.decideWithProducerId(transactionalId, (machine, newProducerId) => {
      const known = machine.transactions.get(transactionalId);
      if (known === undefined || !isTimedOut(known, this.#io.clock.now())) return answer(null);
      return fenceTransaction(machine, known, newProducerId);
    });
  }

  #forgetExpiredRepeatedly(): void {
    const intervalMs = (config: BrokerConfig) =>
      config.get('transaction.remove.expired.transaction.cleanup.interval.ms');
    this.#every(intervalMs, (machine) => {
      for (const transactionalId of expiredIds(machine)) {
        this.#alone(this.decide((current) => forgetExpired(current, transactionalId)));
      }
    });
  }

  #every(
    intervalMs: (config: BrokerConfig) => number,
    act: (machine: TransactionMachine) => void,
  ): void {
    const delayMs = Math.min(intervalMs(this.#options.config()), timerMsMax);
    this.#runtime.after(delayMs, (machine) => {
      act(machine);
      this.#every(intervalMs, act);
    });
  }

  #onLost(cause: unknown): void {
    if (this.#isClosed) return;
    if (!(cause instanceof KafkaError) && !(cause instanceof Error && 'code' in cause)) {
      this.#options.onBug(cause as Error);
      return;
    }
    this.#abandon();
    const { partition } = this.#options;
    const name = `${partition.topic}-${partition.partition}`;
    this.#io.log.warn(`the transactions of ${name} are not served: ${cause.message}`);
    const isOurs = partition.isLeader && partition.leaderEpoch === this.leaderEpoch;
    if (!isOurs) return;
    this.#io.clock.after(reloadDelayMs, () => {
      if (!this.#isClosed && this.#runtime.state === 'idle') this.start();
    });
  }

  #abandon(): void {
    this.#isReady = false;
    this.#machine = null;
    this.#sender.close();
  }
}

/** What a client is told whose request went down with the machine: ask for the coordinator. */
function lostError(cause: unknown): KafkaError {
  const isBusy =
    cause instanceof KafkaError &&
    (cause.errorName === 'NOT_ENOUGH_REPLICAS' || cause.errorName === 'REQUEST_TIMED_OUT');
  return new KafkaError(isBusy ? 'COORDINATOR_NOT_AVAILABLE' : 'NOT_COORDINATOR');
}
