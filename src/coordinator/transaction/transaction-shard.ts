// One partition of __transaction_state that this broker leads, the machine of the transactional ids
// in it, and the sender of their markers.
//
// Invariants: markers follow the commit of the record that decides a transaction, and are sent
// again by whoever loads that record; when the machine is lost its sender is, too.

import type { BrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import type { MetadataImage } from '../../metadata/index.ts';
import type { Partition } from '../../replication/index.ts';
import type { Shard } from '../internal-topic-shards.ts';
import { MachineShard } from '../machine-shard.ts';
import { PartitionMachineLog } from '../partition-machine-log.ts';
import { completeTransaction, fenceTransaction } from './end-transaction.ts';
import {
  expiredIds,
  forgetExpired,
  isTimedOut,
  timedOutTransactions,
} from './expire-transactions.ts';
import { needsProducerId } from './init-producer-id.ts';
import { MarkerSender, type SendMarkers } from './marker-sender.ts';
import { isPrepared, type Transaction } from './transaction.ts';
import { answer, type TransactionDecision, TransactionMachine } from './transaction-machine.ts';
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

export class TransactionShard implements Shard {
  readonly #io: Io;
  readonly #options: TransactionShardOptions;
  readonly #shard: MachineShard<TransactionMachine, TransactionRecord>;
  readonly #log: PartitionMachineLog<TransactionRecord>;
  #sender: MarkerSender;

  constructor(io: Io, options: TransactionShardOptions) {
    this.#io = io;
    this.#options = options;
    const { partition, onBug } = options;
    this.#log = new PartitionMachineLog<TransactionRecord>(io, {
      partition,
      codec: transactionRecordCodec(() => Math.min(this.#transactionVersion(), 1)),
      compression: 0,
      readBytesMax: options.config().get('transaction.state.log.load.buffer.size'),
      unknown: unknownRecord,
    });
    this.#shard = new MachineShard<TransactionMachine, TransactionRecord>(io, {
      ...{ what: 'transactions', partition, log: this.#log, onBug },
      build: () => this.#build(),
      onLoaded: (machine) => this.#onLoaded(machine),
      onAbandoned: () => this.#sender.close(),
    });
    this.#sender = this.#newSender();
  }

  /** Resolves when the machine is loaded, or cannot be for now. */
  get loaded(): Promise<void> {
    return this.#shard.loaded;
  }

  start(): void {
    this.#shard.start();
  }

  close(): void {
    this.#shard.close();
  }

  /**
   * Decides on a request; the answer leaves when what it rests on is committed.
   * @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, and what the decision throws
   */
  async decide<T>(decide: Decide<T>): Promise<T> {
    const sender = this.#sender;
    let records: readonly TransactionRecord[] = [];
    const response = await this.#shard.decide((machine) => {
      const decision = decide(machine);
      records = decision.records;
      return decision;
    });
    for (const { transaction } of records) {
      if (transaction !== null && isPrepared(transaction)) sender.begin(transaction);
    }
    return response;
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

  #build(): TransactionMachine {
    this.#sender.close();
    this.#sender = this.#newSender();
    return new TransactionMachine({
      clock: this.#io.clock,
      config: this.#options.config,
      transactionVersion: () => this.#transactionVersion(),
      recordBytesMax: () => this.#log.batchBytesMax,
    });
  }

  #newSender(): MarkerSender {
    const { image, sendMarkers, onBug } = this.#options;
    return new MarkerSender(this.#io, {
      coordinatorEpoch: this.#shard.leaderEpoch,
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
    this.#shard.alone(this.decide((machine) => completeTransaction(machine, transaction)));
  }

  #onLoaded(machine: TransactionMachine): void {
    for (const transaction of machine.transactions.values()) {
      const { transactionalId, state } = transaction;
      if (isPrepared(transaction)) this.#sender.begin(transaction);
      else if (state !== 'Ongoing') continue;
      this.#io.log.debug(`the transaction of ${transactionalId} is taken over`, { state });
    }
    this.#abortTimedOutRepeatedly();
    this.#forgetExpiredRepeatedly();
  }

  #abortTimedOutRepeatedly(): void {
    const intervalMs = () =>
      this.#options.config().get('transaction.abort.timed.out.transaction.cleanup.interval.ms');
    this.#shard.every(intervalMs, (machine) => {
      for (const transactionalId of timedOutTransactions(machine)) {
        this.#io.log.info(`the transaction of ${transactionalId} took too long: it is aborted`);
        this.#shard.alone(this.#abortTimedOut(transactionalId));
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
    const intervalMs = () =>
      this.#options.config().get('transaction.remove.expired.transaction.cleanup.interval.ms');
    this.#shard.every(intervalMs, (machine) => {
      for (const transactionalId of expiredIds(machine)) {
        this.#shard.alone(this.decide((current) => forgetExpired(current, transactionalId)));
      }
    });
  }
}
