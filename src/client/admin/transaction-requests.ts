// Requests about transactions (KIP-664): transactional ids are asked of their coordinators, what
// partitions know of producers of the partitions' leaders, or of any replica.

import {
  describeProducers,
  describeTransactions,
  ErrorCode,
  initProducerId,
  isRetriable,
  KafkaError,
  listTransactions,
  writeTxnMarkers,
} from '../../protocol/index.ts';
import type { CallOptions, Client } from '../client.ts';
import { lookUpCoordinator } from '../coordinator-requests.ts';
import { type LeaderAnswer, requestToLeaders, type TopicPartition } from '../leader-requests.ts';
import { groupByTopic } from '../offset-queries.ts';
import { errorOf } from './admin-results.ts';

/** Which transactions `admin.transactions.list` answers. */
export interface ListTransactionsOptions extends CallOptions {
  /** Only transactions in these states, such as `Ongoing`. Default: in all. */
  readonly states?: readonly string[] | undefined;
  /** Only transactions of these producers. Default: of all. */
  readonly producerIds?: readonly number[] | undefined;
  /** Only transactions that began longer ago than this, in milliseconds. Default: all. */
  readonly durationMs?: number | undefined;
  /** Only ids that match this expression of RE2 as a whole. Default: all. */
  readonly idPattern?: string | undefined;
}

export interface TransactionListing {
  readonly transactionalId: string;
  /** The coordinator. */
  readonly nodeId: number;
  readonly producerId: number;
  readonly state: string;
}

export interface TransactionDescription {
  readonly transactionalId: string;
  readonly error: KafkaError | null;
  readonly coordinatorId: number;
  readonly state: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly timeoutMs: number;
  /** null before the first transaction of the id. */
  readonly startMs: number | null;
  readonly partitions: readonly TopicPartition[];
}

export interface ActiveProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  /** null: no transaction of it has ended here. */
  readonly coordinatorEpoch: number | null;
  /** null: it has no transaction open here. */
  readonly transactionStartOffset: number | null;
}

export interface PartitionProducers extends TopicPartition {
  readonly error: KafkaError | null;
  readonly producers: readonly ActiveProducer[];
}

export interface TransactionToAbort extends TopicPartition {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
}

/** Requests about transactions and producers; it is `admin.transactions`. */
export class TransactionRequests {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * The transactions that the coordinators know, of all brokers. @throws KafkaError of the first
   * broker that refuses; UNSUPPORTED_VERSION from a broker that has no such filter
   */
  async list(options: ListTransactionsOptions = {}): Promise<TransactionListing[]> {
    const client = this.#client;
    await client.retry(() => client.refresh(), options);
    const nodeIds = [...client.cache.nodes.keys()];
    const lists = await Promise.all(nodeIds.map((nodeId) => this.#listAt(nodeId, options)));
    return lists.flat();
  }

  #listAt(nodeId: number, options: ListTransactionsOptions): Promise<TransactionListing[]> {
    const { states = [], producerIds = [], durationMs = -1, idPattern = null } = options;
    return this.#client.retry(async ({ timeoutMs }) => {
      const connection = await this.#client.connectionTo(nodeId);
      const version = connection.versionOf(listTransactions) ?? 0;
      if ((durationMs >= 0 && version < 1) || (idPattern !== null && version < 2)) {
        throw new KafkaError('UNSUPPORTED_VERSION', `broker ${nodeId} has no such filter`);
      }
      const answer = await connection.request(
        listTransactions,
        {
          stateFilters: [...states],
          producerIdFilters: [...producerIds],
          ...(version < 1 ? {} : { durationFilter: durationMs }),
          ...(version < 2 ? {} : { transactionalIdPattern: idPattern }),
        },
        { timeoutMs },
      );
      if (answer.errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(answer.errorCode);
      return answer.transactionStates.map(({ transactionalId, producerId, transactionState }) => {
        return { transactionalId, nodeId, producerId, state: transactionState };
      });
    }, options);
  }

  /** State, producer and partitions of transactions, by id. Each has a result of its own. */
  describe(
    transactionalIds: readonly string[],
    options: CallOptions = {},
  ): Promise<TransactionDescription[]> {
    return Promise.all(transactionalIds.map((id) => this.#describeOne(id, options)));
  }

  #describeOne(transactionalId: string, options: CallOptions): Promise<TransactionDescription> {
    return this.#askCoordinator(transactionalId, options, async (coordinatorId, timeoutMs) => {
      const request = { transactionalIds: [transactionalId] };
      const connection = await this.#client.connectionTo(coordinatorId);
      const answer = await connection.request(describeTransactions, request, { timeoutMs });
      const [state] = answer.transactionStates;
      const code = state?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      throwIfWorthRepeating(code);
      const startMs = state?.transactionStartTimeMs ?? -1;
      return {
        transactionalId,
        error: errorOf(code, null),
        coordinatorId,
        state: state?.transactionState ?? '',
        producerId: state?.producerId ?? -1,
        producerEpoch: state?.producerEpoch ?? -1,
        timeoutMs: state?.transactionTimeoutMs ?? 0,
        startMs: startMs < 0 ? null : startMs,
        partitions: (state?.topics ?? []).flatMap(({ topic, partitions }) =>
          partitions.map((partition) => ({ topic, partition })),
        ),
      };
    });
  }

  /** What partitions know of producers; of `nodeId` if it is given, of their leaders otherwise. */
  async describeProducers(
    partitions: readonly TopicPartition[],
    options: CallOptions & { readonly nodeId?: number | undefined } = {},
  ): Promise<PartitionProducers[]> {
    const { nodeId, ...call } = options;
    const ask = (at: number, asked: readonly TopicPartition[], timeoutMs: number) =>
      this.#producersAt(at, asked, timeoutMs);
    const answers =
      nodeId === undefined
        ? await requestToLeaders(this.#client, partitions, ask, call)
        : await this.#client.retry(async ({ timeoutMs }) => {
            if (!this.#client.cache.nodes.has(nodeId)) await this.#client.refresh();
            return ask(nodeId, partitions, timeoutMs);
          }, call);
    return answers.map(({ topic, partition, errorCode, answer }) => {
      return { topic, partition, error: errorOf(errorCode, null), producers: answer ?? [] };
    });
  }

  async #producersAt(
    nodeId: number,
    asked: readonly TopicPartition[],
    timeoutMs: number,
  ): Promise<LeaderAnswer<ActiveProducer[]>[]> {
    const topics = groupByTopic(asked).map(([name, group]) => {
      return { name, partitionIndexes: group.map(({ partition }) => partition) };
    });
    const body = { topics };
    const answer = await this.#client.requestTo(nodeId, describeProducers, body, { timeoutMs });
    return answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode, activeProducers }) => ({
        topic: name,
        partition: partitionIndex,
        errorCode,
        answer: activeProducers.map(({ coordinatorEpoch, currentTxnStartOffset, ...rest }) => ({
          ...rest,
          coordinatorEpoch: coordinatorEpoch < 0 ? null : coordinatorEpoch,
          transactionStartOffset: currentTxnStartOffset < 0 ? null : currentTxnStartOffset,
        })),
      })),
    );
  }

  /**
   * Ends a transaction in one partition, although its coordinator knows nothing of it.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED …
   */
  async abort(transaction: TransactionToAbort, options: CallOptions = {}): Promise<void> {
    const { topic, partition, ...identity } = transaction;
    const topics = [{ name: topic, partitionIndexes: [partition] }];
    const marker = { ...identity, transactionResult: false, topics };
    const ask = async (nodeId: number, _: readonly TopicPartition[], timeoutMs: number) => {
      const body = { markers: [marker] };
      const answer = await this.#client.requestTo(nodeId, writeTxnMarkers, body, { timeoutMs });
      const written = answer.markers[0]?.topics[0]?.partitions[0];
      const errorCode = written?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      return [{ topic, partition, errorCode, answer: null }];
    };
    const [answer] = await requestToLeaders(this.#client, [{ topic, partition }], ask, options);
    const code = answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    if (code !== ErrorCode.NONE) throw KafkaError.fromCode(code);
  }

  /**
   * Fences the producer of the id and aborts what it has open; makes the id if there is none.
   * Resolves when nothing is open any more.
   */
  async fence(transactionalId: string, options: CallOptions = {}): Promise<void> {
    await this.#askCoordinator(transactionalId, options, async (coordinatorId, timeoutMs) => {
      const connection = await this.#client.connectionTo(coordinatorId);
      const answer = await connection.request(
        initProducerId,
        { transactionalId, transactionTimeoutMs: Math.max(1, Math.round(timeoutMs)) },
        { timeoutMs },
      );
      throwIfWorthRepeating(answer.errorCode);
      if (answer.errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(answer.errorCode);
    });
  }

  #askCoordinator<T>(
    name: string,
    options: CallOptions,
    ask: (coordinatorId: number, timeoutMs: number) => Promise<T>,
  ): Promise<T> {
    const client = this.#client;
    return client.retry(async ({ timeoutMs }) => {
      const { nodeId } = await lookUpCoordinator(
        client,
        { type: 'transactionalId', name },
        {
          timeoutMs,
        },
      );
      if (!client.cache.nodes.has(nodeId)) await client.refresh();
      return ask(nodeId, timeoutMs);
    }, options);
  }
}

function throwIfWorthRepeating(code: number): void {
  if (isRetriable(code)) throw KafkaError.fromCode(code);
}
