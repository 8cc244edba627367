// The requests of a transactional producer to its two coordinators, each repeated until it has an
// answer that decides (or `isRefused` says that nobody needs it any more). What they throw is a
// TransactionError, or the network's error when the time is up.
//
// Which protocol is spoken is settled between transactions: with transaction.version 2 or above
// (KIP-890) partitions and groups join by being written to, and every end brings a new epoch.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { ClientConnection } from '../../network/index.ts';
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  ErrorCode,
  endTxn,
  errorName,
  initProducerId,
  isRetriable,
  KafkaError,
  txnOffsetCommit,
} from '../../protocol/index.ts';
import type { Attempt, Client } from '../client.ts';
import type { GroupMetadata } from '../consumer/consumer-group.ts';
import type { OffsetToCommit } from '../consumer/group-offsets.ts';
import { Coordinator } from '../coordinator-requests.ts';
import { keyOf, type TopicPartition } from '../leader-requests.ts';
import { groupByTopic } from '../offset-queries.ts';
import type { ProducerIdentity } from './producer-identity.ts';
import { isFenced, severityOf, TransactionError } from './transaction-error.ts';

export type TransactionProtocol = 1 | 2;

/** From these versions on a request means that the second protocol is spoken. */
const versionsBeforeTwo = { endTxn: 4, txnOffsetCommit: 4, addPartitionsToTxn: 3 } as const;
/** TxnOffsetCommit has topic ids from version 6 on. */
const offsetsByNameMax = 5;
/** Markers of the transaction before are still being written: that does not take long. */
const concurrentPauseMs = 20;

export interface TransactionRequestsOptions {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
}

interface CheckOptions {
  /** Who has answered. Default: the coordinator of the transaction. */
  readonly coordinator?: Coordinator;
  /** An error that nobody expects is the partition's, not the producer's. */
  readonly isPerPartition?: boolean;
}

export class TransactionRequests {
  /** Of the transaction under way, or the next one. */
  protocol: TransactionProtocol = 1;
  readonly #client: Client;
  readonly #options: TransactionRequestsOptions;
  readonly #identity: ProducerIdentity;
  readonly #coordinator: Coordinator;
  readonly #groups = new Map<string, Coordinator>();
  #protocolOffered: TransactionProtocol = 1;

  constructor(client: Client, options: TransactionRequestsOptions, identity: ProducerIdentity) {
    this.#client = client;
    this.#options = options;
    this.#identity = identity;
    const name = options.transactionalId;
    this.#coordinator = new Coordinator(client, { type: 'transactionalId', name });
  }

  close(): void {
    this.#coordinator.close();
    for (const group of this.#groups.values()) group.close();
  }

  /** Between two transactions: goes on in the protocol that the cluster has agreed on by now. */
  settleProtocol(): void {
    this.protocol = this.#protocolOffered;
  }

  /** Fences every producer before us, or (`keeping`) only begins a new epoch of ours (KIP-360). */
  async initProducerId(keeping: boolean): Promise<void> {
    const { transactionalId, transactionTimeoutMs } = this.#options;
    const { producerId, producerEpoch } = this.#identity;
    await this.#repeat(async (attempt) => {
      const build = (connection: ClientConnection) => {
        this.#noteProtocol(connection);
        const request = { transactionalId, transactionTimeoutMs };
        if (!keeping) return request;
        if ((connection.versionOf(initProducerId) ?? 0) < 3) {
          const reason = 'brokers before Kafka 2.5 cannot go on after a batch was lost';
          throw new TransactionError(new KafkaError('UNSUPPORTED_VERSION', reason), true);
        }
        return { ...request, producerId, producerEpoch };
      };
      const answer = await this.#coordinator.request(initProducerId, build, attempt);
      this.#check(answer.errorCode, 'initTransactions', attempt);
      this.#identity.become(answer.producerId, answer.producerEpoch);
    });
  }

  /**
   * First protocol only. Rejects while retriable codes are answered if `isRefused` turns true:
   * then nothing was added.
   */
  async addPartitions(places: readonly TopicPartition[], isRefused: () => boolean): Promise<void> {
    const topics = groupByTopic(places).map(([name, group]) => {
      return { name, partitions: group.map(({ partition }) => partition) };
    });
    const body = {
      transactions: [],
      v3AndBelowTransactionalId: this.#options.transactionalId,
      v3AndBelowProducerId: this.#identity.producerId,
      v3AndBelowProducerEpoch: this.#identity.producerEpoch,
      v3AndBelowTopics: topics,
    };
    await this.#repeat(async (attempt) => {
      const versionMax = versionsBeforeTwo.addPartitionsToTxn;
      const { timeoutMs } = attempt;
      const options = { timeoutMs, versionMax };
      const answer = await this.#coordinator.request(addPartitionsToTxn, body, options);
      let refusal: { code: number; place: string } | null = null;
      for (const { name, resultsByPartition } of answer.resultsByTopicV3AndBelow) {
        for (const { partitionIndex, partitionErrorCode: code } of resultsByPartition) {
          if (code === ErrorCode.NONE) continue;
          // OPERATION_NOT_ATTEMPTED is the fate of those beside the one at fault.
          if (refusal !== null && code === ErrorCode.OPERATION_NOT_ATTEMPTED) continue;
          refusal = { code, place: `${name}-${partitionIndex}` };
        }
      }
      if (refusal === null) return;
      const { code, place } = refusal;
      if (isRetriable(code) && isRefused()) throw abortable(code, place);
      this.#check(code, `adding ${place} to the transaction`, attempt, { isPerPartition: true });
    });
  }

  /** Adds the group (first protocol) and stores its offsets as part of the transaction. */
  async commitOffsets(
    offsets: readonly OffsetToCommit[],
    group: GroupMetadata,
    timeoutMs: number,
    onMaybeStarted: () => void,
  ): Promise<void> {
    const { clock } = this.#client.io;
    const deadlineMs = clock.monotonic() + timeoutMs;
    const leftMs = (): number => Math.max(0, deadlineMs - clock.monotonic());
    if (this.protocol === 1) await this.#addOffsets(group.groupId, leftMs(), onMaybeStarted);
    else onMaybeStarted();
    await this.#commitOffsets(offsets, group, leftMs());
  }

  /** Also says what epoch comes next, with the second protocol. */
  async endTransaction(committed: boolean): Promise<void> {
    const { transactionalId } = this.#options;
    const { producerId, producerEpoch } = this.#identity;
    const body = { transactionalId, producerId, producerEpoch, committed };
    const versionMax = this.protocol === 1 ? versionsBeforeTwo.endTxn : undefined;
    await this.#repeat(async (attempt) => {
      const build = (connection: ClientConnection) => {
        this.#noteProtocol(connection);
        return body;
      };
      const { timeoutMs } = attempt;
      const options = { timeoutMs, versionMax };
      const answer = await this.#coordinator.request(endTxn, build, options);
      const isTooLate = committed && answer.errorCode === ErrorCode.INVALID_TXN_STATE;
      const why = isTooLate ? ' (it may have been open for longer than transactionTimeoutMs)' : '';
      this.#check(answer.errorCode, committed ? `the commit${why}` : 'the abort', attempt);
      if (answer.producerId >= 0) this.#identity.become(answer.producerId, answer.producerEpoch);
    });
  }

  async #addOffsets(groupId: string, timeoutMs: number, onMaybeStarted: () => void): Promise<void> {
    const { transactionalId } = this.#options;
    const { producerId, producerEpoch } = this.#identity;
    const body = { transactionalId, producerId, producerEpoch, groupId };
    await this.#repeat(async (attempt) => {
      onMaybeStarted();
      const answer = await this.#coordinator.request(addOffsetsToTxn, body, attempt);
      this.#check(answer.errorCode, `adding group ${groupId} to the transaction`, attempt);
    }, timeoutMs);
  }

  async #commitOffsets(
    offsets: readonly OffsetToCommit[],
    { groupId, generationId, memberId, groupInstanceId }: GroupMetadata,
    timeoutMs: number,
  ): Promise<void> {
    const coordinator = this.#groupCoordinator(groupId);
    const { producerId, producerEpoch } = this.#identity;
    const ids = { transactionalId: this.#options.transactionalId, producerId, producerEpoch };
    let open = offsets;
    await this.#repeat(async (attempt) => {
      const topics = this.#offsetTopics(open);
      const hasIds = topics.every(({ topicId }) => topicId !== ZERO_UUID);
      const versionMax =
        this.protocol === 1
          ? versionsBeforeTwo.txnOffsetCommit
          : hasIds
            ? undefined
            : offsetsByNameMax;
      const build = (connection: ClientConnection) => {
        const body = { ...ids, groupId, topics };
        // Before version 3 the broker knows nothing of members (KIP-447).
        if ((connection.versionOf(txnOffsetCommit, versionMax) ?? 0) < 3) return body;
        return { ...body, generationIdOrMemberEpoch: generationId, memberId, groupInstanceId };
      };
      const options = { timeoutMs: attempt.timeoutMs, versionMax };
      const answer = await coordinator.request(txnOffsetCommit, build, options);
      const codes = new Map<string, number>();
      for (const { name, topicId, partitions } of answer.topics) {
        const topic = name !== '' ? name : (this.#client.cache.topicNameOf(topicId) ?? '');
        for (const { partitionIndex, errorCode } of partitions) {
          codes.set(keyOf({ topic, partition: partitionIndex }), errorCode);
        }
      }
      open = open.filter((each) => codes.get(keyOf(each)) !== ErrorCode.NONE);
      const worst = worstOf(open, codes);
      if (worst === null) return;
      if (worst.code === ErrorCode.UNKNOWN_TOPIC_ID) attempt.staleMetadata = true;
      const { topic, partition } = worst.place;
      const what = `committing the offset of ${topic}-${partition} for group ${groupId}`;
      this.#check(worst.code, what, attempt, { coordinator });
    }, timeoutMs);
  }

  #offsetTopics(offsets: readonly OffsetToCommit[]) {
    return groupByTopic(offsets).map(([name, group]) => ({
      name,
      topicId: this.#client.cache.topic(name)?.topicId ?? ZERO_UUID,
      partitions: group.map(({ partition, offset, leaderEpoch, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch ?? -1,
        committedMetadata: metadata ?? '',
      })),
    }));
  }

  #groupCoordinator(groupId: string): Coordinator {
    let coordinator = this.#groups.get(groupId);
    if (coordinator === undefined) {
      coordinator = new Coordinator(this.#client, { type: 'group', name: groupId });
      this.#groups.set(groupId, coordinator);
    }
    return coordinator;
  }

  #noteProtocol(connection: ClientConnection): void {
    this.#protocolOffered = connection.featureLevel('transaction.version') >= 2 ? 2 : 1;
  }

  /** Throws what the code of an answer means, after forgetting a coordinator that is none. */
  #check(code: number, what: string, attempt: Attempt, options: CheckOptions = {}): void {
    if (code === ErrorCode.NONE) return;
    (options.coordinator ?? this.#coordinator).onErrorCode(code);
    if (code === ErrorCode.CONCURRENT_TRANSACTIONS) attempt.pauseMs = concurrentPauseMs;
    const { message } = KafkaError.fromCode(code);
    if (isFenced(code)) {
      const { transactionalId } = this.#options;
      const reason = `${what}: a newer producer uses transactional id ${transactionalId}, or the`;
      const error = new KafkaError('PRODUCER_FENCED', `${reason} transaction took too long`);
      throw new TransactionError(error, true);
    }
    const severity = severityOf(code);
    const error = KafkaError.fromCode(code, `${what}: ${message}`);
    if (severity === 'retriable') throw error;
    const isFatal = severity === 'fatal' && (!options.isPerPartition || isFatalAnywhere(code));
    throw new TransactionError(error, isFatal);
  }

  /** Not bounded by itself: who waits for it bounds the waiting. Closing the client ends it. */
  async #repeat(
    attempt: (attempt: Attempt) => Promise<void>,
    timeoutMs = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    await this.#client.retry(
      async (state) => {
        try {
          await attempt(state);
        } catch (error) {
          if (error instanceof TransactionError || !(error instanceof KafkaError)) throw error;
          if (error.retriable) throw error;
          // From the lookup of a coordinator, or a version that both sides do not have.
          throw new TransactionError(error, severityOf(error.code) === 'fatal');
        }
      },
      { timeoutMs },
    );
  }
}

const fatalAnywhere: readonly number[] = [
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
];

function isFatalAnywhere(code: number): boolean {
  return fatalAnywhere.includes(code);
}

function abortable(code: number, place: string): TransactionError {
  const message = `${place} was not added to the transaction: ${errorName(code)}`;
  return new TransactionError(KafkaError.fromCode(code, message), false);
}

/** An error that decides comes before one that is asked again. */
function worstOf(
  open: readonly OffsetToCommit[],
  codes: ReadonlyMap<string, number>,
): { code: number; place: TopicPartition } | null {
  let worst: { code: number; place: TopicPartition } | null = null;
  for (const place of open) {
    const code = codes.get(keyOf(place)) ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    if (worst === null || (isRetriable(worst.code) && !isRetriable(code))) worst = { code, place };
  }
  return worst;
}
