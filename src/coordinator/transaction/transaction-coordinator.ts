// The coordinator of the transactions of this broker: finds the shard that has a transactional id,
// one per partition of __transaction_state that this broker leads, and hands requests to it.

import { javaHashBucket } from '../../base/java-hash-code.ts';
import type { BrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import type { Controller, ImageChanges, MetadataImage } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { Replicas } from '../../replication/index.ts';
import { InternalTopicShards } from '../internal-topic-shards.ts';
import { OFFSETS_TOPIC, TRANSACTION_TOPIC, transactionTopic } from '../internal-topics.ts';
import { type AddedTopic, type AddPartitionsRequest, addPartitions } from './add-partitions.ts';
import { type EndTransactionRequest, endTransaction } from './end-transaction.ts';
import { type InitProducerRequest, initProducerId } from './init-producer-id.ts';
import type { SendMarkers } from './marker-sender.ts';
import {
  type InitializedProducer,
  type Transaction,
  type TransactionState,
  transactionStates,
} from './transaction.ts';
import { answer } from './transaction-machine.ts';
import { TransactionShard } from './transaction-shard.ts';
import {
  compileIdPattern,
  type ListedTransaction,
  listTransactions,
  type TransactionFilter,
} from './transaction-views.ts';

export interface TransactionCoordinatorOptions {
  readonly controller: Controller;
  readonly replicas: Replicas;
  readonly config: () => BrokerConfig;
  /** Not a member of a cluster. Default true. */
  readonly isAlone?: boolean;
  /**
   * The newest of the cluster. That of `replicas` may not have a topic yet to whose partitions
   * transactions write already: no marker would be sent there, as if it had been deleted.
   */
  readonly image: () => MetadataImage;
  /** An id that no producer of the cluster ever had. */
  readonly newProducerId: () => Promise<number>;
  readonly sendMarkers: SendMarkers;
  /** An invariant is broken: the process must not go on. */
  readonly onBug: (error: Error) => void;
}

/** For whom AddOffsetsToTxn adds the partition of a group. */
export interface AddOffsetsRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly groupId: string;
}

export interface TransactionList {
  readonly transactions: readonly ListedTransaction[];
  /** Asked for, but no states at all. */
  readonly unknownStates: readonly string[];
}

export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions;
  readonly #shards: InternalTopicShards<TransactionShard>;

  constructor(io: Io, options: TransactionCoordinatorOptions) {
    this.#options = options;
    this.#shards = new InternalTopicShards({
      ...options,
      topic: TRANSACTION_TOPIC,
      topicOf: transactionTopic,
      newShard: (partition) => new TransactionShard(io, { ...options, partition }),
    });
  }

  /** Loads what this broker leads; requests are told to wait meanwhile. */
  start(): void {
    this.#shards.start();
  }

  /** The image of `replicas` has moved on by these changes. */
  onImage(changes: ImageChanges): void {
    this.#shards.onImage(changes);
  }

  /** Requests that wait are answered, so that their clients look for another coordinator. */
  close(): void {
    this.#shards.close();
  }

  /**
   * The node that coordinates the id; makes the topic when nobody ever asked before.
   * @throws KafkaError COORDINATOR_NOT_AVAILABLE
   */
  async coordinatorOf(transactionalId: string): Promise<number> {
    return await this.#shards.coordinatorOf(transactionalId);
  }

  /**
   * @throws KafkaError CONCURRENT_TRANSACTIONS (ask again), PRODUCER_FENCED, INVALID_REQUEST,
   * INVALID_TRANSACTION_TIMEOUT, and as `decide` of a shard does
   */
  async initProducerId(request: InitProducerRequest): Promise<InitializedProducer> {
    const { transactionalId, timeoutMs } = request;
    assertTransactionalId(transactionalId);
    const timeoutMsMax = this.#options.config().get('transaction.max.timeout.ms');
    if (timeoutMs <= 0 || timeoutMs > timeoutMsMax) {
      throw new KafkaError('INVALID_TRANSACTION_TIMEOUT');
    }
    const initialized = await this.#shards
      .of(transactionalId)
      .decideWithProducerId(transactionalId, (machine, newProducerId) =>
        initProducerId(machine, request, newProducerId),
      );
    // What the older incarnation left open is being aborted.
    if (initialized === null) throw new KafkaError('CONCURRENT_TRANSACTIONS');
    return initialized;
  }

  /**
   * Adds partitions to the transaction, or looks whether they are in it. One code per partition;
   * what is wrong with the transaction as a whole is thrown.
   * @throws KafkaError INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS,
   * INVALID_REQUEST, and as `decide` of a shard does
   */
  async addPartitions(request: AddPartitionsRequest): Promise<AddedTopic[]> {
    assertTransactionalId(request.transactionalId);
    return await this.#shards
      .of(request.transactionalId)
      .decide((machine) => addPartitions(machine, request));
  }

  /**
   * Adds the partition in which the group keeps its offsets.
   * @throws KafkaError as `addPartitions`
   */
  async addOffsets({ groupId, ...producer }: AddOffsetsRequest): Promise<void> {
    const topics = [{ name: OFFSETS_TOPIC, partitions: [this.#offsetsPartitionOf(groupId)] }];
    await this.addPartitions({ ...producer, topics, verifyOnly: false, transactionVersion: 0 });
  }

  /**
   * Resolves when the end is decided for good; the markers follow.
   * @returns with what the producer goes on: in the second protocol a new epoch, or another id
   * @throws KafkaError INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_TXN_STATE,
   * CONCURRENT_TRANSACTIONS, INVALID_REQUEST, and as `decide` of a shard does
   */
  async endTxn(request: EndTransactionRequest): Promise<InitializedProducer> {
    const { transactionalId } = request;
    assertTransactionalId(transactionalId);
    const shard = this.#shards.of(transactionalId);
    // Only the second protocol raises epochs, and with them needs other producer ids.
    return request.transactionVersion < 2
      ? await shard.decide((machine) => endTransaction(machine, request, -1))
      : await shard.decideWithProducerId(transactionalId, (machine, newProducerId) =>
          endTransaction(machine, request, newProducerId),
        );
  }

  /**
   * The transactions of every partition that this broker leads.
   * @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS, INVALID_REGULAR_EXPRESSION
   */
  async list(filter: TransactionFilter): Promise<TransactionList> {
    compileIdPattern(filter.idPattern);
    const isKnown = (state: string) => transactionStates.includes(state as TransactionState);
    const unknownStates = filter.states.filter((state) => !isKnown(state));
    const lists = [...this.#shards].map((shard) =>
      shard.decide((machine) => answer(listTransactions(machine, filter))),
    );
    return { transactions: (await Promise.all(lists)).flat(), unknownStates };
  }

  /** @throws KafkaError TRANSACTIONAL_ID_NOT_FOUND, INVALID_REQUEST, and as `decide` of a shard */
  async describe(transactionalId: string): Promise<Transaction> {
    assertTransactionalId(transactionalId);
    return await this.#shards.of(transactionalId).describe(transactionalId);
  }

  #offsetsPartitionOf(groupId: string): number {
    const { replicas, config } = this.#options;
    const topic = replicas.image.topic(OFFSETS_TOPIC);
    const count = topic?.partitions.length ?? config().get('offsets.topic.num.partitions');
    return javaHashBucket(groupId, count);
  }
}

/** @throws KafkaError INVALID_REQUEST */
function assertTransactionalId(transactionalId: string): void {
  if (transactionalId === '') {
    throw new KafkaError('INVALID_REQUEST', 'a transactional id is not empty');
  }
}
