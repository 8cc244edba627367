// Takes closed batches to the leaders of their partitions and settles them by the answers.
//
// It works in rounds (`#pump`): whatever may have made a batch sendable (a full batch, an answer,
// a timer, new metadata, a connection) asks for one. A round sends as many requests as the limits
// per broker allow, one batch per partition in each, as the protocol demands.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { Timer } from '../../io/index.ts';
import type { ClientConnection } from '../../network/index.ts';
import {
  ErrorCode,
  type ErrorPlace,
  KafkaError,
  produce,
  type RequestInput,
  type ResponseOf,
  withPlace,
} from '../../protocol/index.ts';
import { type Client, isRetriableFailure, messageOf } from '../client.ts';
import { LeaderAccess } from '../leader-access.ts';
import { type ClientMetric, ProducerMetrics } from '../metrics/index.ts';
import { expired, unbuildable } from './delivery-errors.ts';
import {
  isSequenceError,
  type PartitionResponse,
  responseTopicName,
  verdictOf,
} from './delivery-verdict.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { ProducerBatch } from './producer-batch.ts';
import type { ProducerIdentity } from './producer-identity.ts';
import type { ResolvedProducerOptions } from './producer-options.ts';
import type { RecordAccumulator } from './record-accumulator.ts';
import type { Transactions } from './transactions.ts';

interface Shipment {
  readonly queue: PartitionQueue;
  readonly batch: ProducerBatch;
}

interface Cargo {
  readonly nodeId: number;
  readonly connection: ClientConnection;
  readonly shipments: Shipment[];
  bytes: number;
}

/** From this version on a produce request adds its partitions to the transaction (KIP-890). */
const implicitAddVersion = 12;
/** While the end of the transaction before is still being written to the partition. */
const concurrentPauseMs = 20;

export class Sender {
  readonly metrics: ProducerMetrics;
  readonly #client: Client;
  readonly #leaders: LeaderAccess;
  readonly #options: ResolvedProducerOptions;
  readonly #accumulator: RecordAccumulator;
  readonly #identity: ProducerIdentity | null;
  /** Given to a transactional producer once, before anything is sent. */
  transactions: Transactions | null = null;
  readonly #inFlight = new Map<number, number>();
  /** null with a linger that was asked for. */
  readonly #isIdle: ((queue: PartitionQueue) => boolean) | null;
  /** While above 0 nothing lingers (flush, close, memory exhausted). */
  hurry = 0;
  #scheduled = false;
  #timer: Timer | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #acquiring = false;
  #closed = false;

  constructor(
    client: Client,
    options: ResolvedProducerOptions,
    accumulator: RecordAccumulator,
    identity: ProducerIdentity | null,
  ) {
    this.#client = client;
    this.metrics = new ProducerMetrics(client.io.clock);
    this.#leaders = new LeaderAccess(client, () => this.wake());
    this.#options = options;
    this.#accumulator = accumulator;
    this.#identity = identity;
    this.#isIdle = options.lingersWhenIdle ? null : (queue) => this.#idleAt(queue);
  }

  /** Asks for a round at the end of this turn: what is appended until then goes along. */
  wake(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#client.io.clock.nextTurn(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  /** Whether there are records that the process has to stay for. */
  setBusy(isBusy: boolean): void {
    this.#client.work.set('records', isBusy);
  }

  readMetrics(bufferedBytes: number, waiting: number): ClientMetric[] {
    const { metadataAgeMs, meter } = this.#client;
    const bufferBytesMax = this.#options.bufferMemoryBytes;
    const gauges = { bufferBytesMax, bufferedBytes, waiting, metadataAgeMs };
    return this.#client.readMetrics('producer', this.metrics.groups(meter, gauges));
  }

  close(): void {
    this.#closed = true;
    this.#leaders.close();
    this.#timer?.cancel();
  }

  #pump(): void {
    if (this.#closed) return;
    const nowMs = this.#client.io.clock.monotonic();
    const accumulator = this.#accumulator;
    if (this.hurry > 0 || this.transactions?.refusal != null) accumulator.closeAll();
    const dueMs = accumulator.ripen(nowMs, this.#isIdle);
    this.#wakeAt(dueMs, nowMs);
    if (accumulator.active.size === 0) return;
    this.#client.maybeRefresh();
    const refusal = this.transactions?.refusal ?? null;
    if (refusal !== null) {
      this.#giveUpUnsent(refusal);
      return;
    }
    this.#expire(nowMs);
    if (this.#identity !== null && !this.#identity.isKnown) {
      this.#acquireIdentity(this.#identity);
      return;
    }
    while (this.#ship(nowMs));
  }

  /** Whether nothing is under way to the leader of a partition, by the metadata of now. */
  #idleAt(queue: PartitionQueue): boolean {
    const leader = this.#client.cache.partition(queue.topic, queue.partition)?.leader ?? -1;
    return (this.#inFlight.get(leader) ?? 0) === 0;
  }

  /** Sends one request to every broker that can take one; true if any was sent. */
  #ship(nowMs: number): boolean {
    const cargoes = new Map<number, Cargo>();
    const oneAtATime = this.#options.maxInFlight === 1;
    for (const queue of this.#accumulator.active) {
      if (this.transactions !== null && !queue.isInTransaction) continue;
      const batch = queue.next(nowMs, oneAtATime);
      if (batch === null) {
        if (!queue.hasBatches) this.#accumulator.active.delete(queue);
        else this.#wakeAt(queue.oldest?.retryAtMs ?? nowMs, nowMs);
        continue;
      }
      const cargo = this.#cargoFor(queue, cargoes);
      if (cargo === null) continue;
      const bytes = batch.sizeBytes;
      if (cargo.bytes > 0 && cargo.bytes + bytes > this.#options.maxRequestSizeBytes) continue;
      cargo.bytes += bytes;
      cargo.shipments.push({ queue, batch });
    }
    for (const cargo of cargoes.values()) this.#dispatch(cargo);
    return cargoes.size > 0;
  }

  /** null when the batch has to wait: for a leader, a connection, or answers. */
  #cargoFor(queue: PartitionQueue, cargoes: Map<number, Cargo>): Cargo | null {
    if (this.#identity !== null && !this.#identity.isKnown) {
      this.#acquireIdentity(this.#identity);
      return null;
    }
    const leader = this.#client.cache.partition(queue.topic, queue.partition)?.leader ?? -1;
    if (leader < 0) {
      this.#leaders.refreshMetadata();
      return null;
    }
    const begun = cargoes.get(leader);
    if (begun !== undefined) return begun;
    if ((this.#inFlight.get(leader) ?? 0) >= this.#options.maxInFlight) return null;
    const connection = this.#client.readyConnection(leader);
    if (connection === null) {
      this.#leaders.connect(leader);
      return null;
    }
    const cargo = { nodeId: leader, connection, shipments: [], bytes: 0 };
    cargoes.set(leader, cargo);
    return cargo;
  }

  #dispatch(cargo: Cargo): void {
    const { nodeId, connection } = cargo;
    const shipments = cargo.shipments.filter((each) => this.#load(each));
    if (shipments.length === 0) return;
    const { body, versionMax } = this.#requestOf(shipments);
    this.#inFlight.set(nodeId, (this.#inFlight.get(nodeId) ?? 0) + 1);
    const settle = (): void => {
      this.#inFlight.set(nodeId, (this.#inFlight.get(nodeId) ?? 1) - 1);
      this.#pump();
    };
    if (this.#options.acks === 0) {
      connection.requestWithoutResponse(produce, body, { versionMax }).then(
        () => {
          for (const { queue, batch } of shipments) this.#onStored(queue, batch, -1, -1);
          settle();
        },
        (error: Error) => this.#onRequestFailed(shipments, error, settle),
      );
      return;
    }
    connection.request(produce, body, { versionMax }).then(
      (response) => {
        this.#onResponse(shipments, response);
        settle();
      },
      (error: Error) => this.#onRequestFailed(shipments, error, settle),
    );
  }

  /** Takes a batch and makes its bytes. False if no codec could: then it is given up. */
  #load({ queue, batch }: Shipment): boolean {
    const { active } = this.#accumulator;
    queue.take(batch);
    // To the end of the line: partitions take turns when requests fill up.
    active.delete(queue);
    if (queue.hasBatches) active.add(queue);
    const uncompressed = batch.uncompressedSizeBytes;
    try {
      const { length } = batch.build(this.#options);
      if (this.#options.compression !== 0) {
        this.#accumulator.onCompressed(queue.topic, uncompressed, length);
      }
      this.metrics.onBatch(batch, uncompressed, this.#client.io.clock.monotonic());
      return true;
    } catch (error) {
      queue.onUnsent(batch);
      this.metrics.onErrors(queue.topic, batch.recordCount, this.#client.io.clock.monotonic());
      const failure = unbuildable(batch, this.#options.compressionType, error);
      batch.fail(withPlace(failure, this.#placeOf(queue, batch)));
      return false;
    }
  }

  #requestOf(shipments: readonly Shipment[]): {
    body: RequestInput<typeof produce>;
    versionMax: number | undefined;
  } {
    const topics = new Map<string, { index: number; records: Buffer }[]>();
    for (const { queue, batch } of shipments) {
      const records = batch.build(this.#options);
      const partitions = topics.get(queue.topic);
      if (partitions === undefined) {
        topics.set(queue.topic, [{ index: queue.partition, records }]);
      } else {
        partitions.push({ index: queue.partition, records });
      }
    }
    this.metrics.onRequest(this.#client.io.clock.monotonic());
    let versionMax: number | undefined;
    const topicData = [...topics].map(([name, partitionData]) => {
      const topicId = this.#client.cache.topic(name)?.topicId ?? ZERO_UUID;
      // From version 13 on topics go by their id, which old brokers do not have.
      if (topicId === ZERO_UUID) versionMax = 12;
      return { name, topicId, partitionData };
    });
    if (this.transactions?.protocol === 1) versionMax = implicitAddVersion - 1;
    const { acks, transactionalId } = this.#options;
    const timeoutMs = this.#client.options.requestTimeoutMs;
    return { body: { transactionalId, acks, timeoutMs, topicData }, versionMax };
  }

  #onResponse(shipments: readonly Shipment[], response: ResponseOf<typeof produce>): void {
    this.metrics.onThrottled(response.throttleTimeMs, this.#client.io.clock.monotonic());
    const answers = new Map<string, PartitionResponse>();
    for (const topic of response.responses) {
      const name = responseTopicName(this.#client.cache, topic);
      for (const partition of topic.partitionResponses) {
        answers.set(`${partition.index} ${name}`, partition);
      }
    }
    for (const { queue, batch } of shipments) {
      const answer = answers.get(`${queue.partition} ${queue.topic}`);
      if (answer === undefined) {
        const message = `the broker did not answer for ${queue.topic}-${queue.partition}`;
        this.#giveUp(queue, batch, new KafkaError('UNKNOWN_SERVER_ERROR', message));
      } else {
        this.#onAnswer(queue, batch, answer);
      }
    }
  }

  #onAnswer(queue: PartitionQueue, batch: ProducerBatch, answer: PartitionResponse): void {
    const verdict = verdictOf(queue, batch, answer, this.transactions !== null);
    switch (verdict.kind) {
      case 'stored':
        this.#onStored(queue, batch, verdict.baseOffset, answer.logAppendTimeMs);
        return;
      case 'split': {
        const parts = this.#split(batch);
        if (parts === null) break;
        this.#accumulator.replace(batch, parts);
        queue.onSplit(batch, parts);
        this.metrics.onSplit(this.#client.io.clock.monotonic());
        this.#accumulator.active.add(queue);
        return;
      }
      case 'renumber':
        queue.requestRenumbering();
        this.#retry(queue, batch, verdict.error);
        return;
      case 'retry': {
        if (!isSequenceError(answer.errorCode)) batch.mayBeStored = true;
        if (answer.errorCode === ErrorCode.CONCURRENT_TRANSACTIONS) {
          this.#retry(queue, batch, verdict.error, concurrentPauseMs);
          return;
        }
        const { leaderId, leaderEpoch } = answer.currentLeader;
        const { cache } = this.#client;
        const knowsLeader = cache.replayLeader(queue.topic, queue.partition, leaderId, leaderEpoch);
        if (!knowsLeader) this.#leaders.refreshMetadata();
        this.#retry(queue, batch, verdict.error, knowsLeader ? 0 : undefined);
        return;
      }
      default:
    }
    this.#giveUp(queue, batch, verdict.error, verdict.errorOf);
  }

  /** null for a single record, and for a batch that could not be read or built anew. */
  #split(batch: ProducerBatch): ProducerBatch[] | null {
    try {
      return batch.split(this.#options);
    } catch (error) {
      this.#client.log.warn('a batch that is too large cannot be split', {
        error: messageOf(error),
      });
      return null;
    }
  }

  #onStored(
    queue: PartitionQueue,
    batch: ProducerBatch,
    baseOffset: number,
    logAppendTimeMs: number,
  ): void {
    queue.onAcked(batch);
    batch.succeed({ baseOffset, logAppendTimeMs });
  }

  #onRequestFailed(shipments: readonly Shipment[], error: Error, settle: () => void): void {
    const isRetriable = isRetriableFailure(error) && this.#options.acks !== 0;
    this.#client.log.debug('produce request failed', { error: messageOf(error) });
    for (const { queue, batch } of shipments) {
      batch.mayBeStored = true;
      if (isRetriable) this.#retry(queue, batch, error);
      else this.#giveUp(queue, batch, error);
    }
    if (isRetriableFailure(error)) this.#leaders.refreshMetadata();
    settle();
  }

  #retry(queue: PartitionQueue, batch: ProducerBatch, error: Error, pauseMs?: number): void {
    batch.failures++;
    batch.lastError = error;
    const nowMs = this.#client.io.clock.monotonic();
    const expired = nowMs >= batch.createdMs + this.#options.deliveryTimeoutMs;
    if (batch.failures > this.#options.retries || expired || batch.isDone) {
      this.#giveUp(queue, batch, error);
      return;
    }
    batch.retryAtMs = nowMs + (pauseMs ?? this.#client.backoff.delayMs(batch.failures));
    queue.onRetry(batch);
    this.metrics.onRetry(queue.topic, batch.recordCount, nowMs);
    this.#accumulator.active.add(queue);
  }

  #giveUp(
    queue: PartitionQueue,
    batch: ProducerBatch,
    error: Error,
    errorOf?: (index: number) => Error,
  ): void {
    queue.onFailed(batch);
    this.metrics.onErrors(queue.topic, batch.recordCount, this.#client.io.clock.monotonic());
    batch.fail(withPlace(error, this.#placeOf(queue, batch)), errorOf);
  }

  /** Gives up what has waited longer than delivery.timeout.ms without being under way. */
  #expire(nowMs: number): void {
    const { deliveryTimeoutMs } = this.#options;
    for (const queue of this.#accumulator.active) {
      for (let batch = queue.oldest; batch !== null; batch = queue.oldest) {
        const expiresMs = batch.createdMs + deliveryTimeoutMs;
        if (expiresMs > nowMs) {
          this.#wakeAt(expiresMs, nowMs);
          break;
        }
        queue.giveUp(batch);
        this.metrics.onErrors(queue.topic, batch.recordCount, nowMs);
        const error = expired(batch, deliveryTimeoutMs);
        batch.fail(withPlace(error, this.#placeOf(queue, batch)));
      }
    }
  }

  #placeOf({ topic, partition }: PartitionQueue, batch: ProducerBatch): ErrorPlace {
    const elapsedMs = Math.round(this.#client.io.clock.monotonic() - batch.createdMs);
    return { topic, partition, attempts: batch.failures, elapsedMs };
  }

  #giveUpUnsent(error: Error): void {
    for (const queue of this.#accumulator.active) {
      for (const batch of queue.unsent()) {
        queue.giveUp(batch);
        batch.fail(error);
      }
    }
    this.#accumulator.active.clear();
  }

  #acquireIdentity(identity: ProducerIdentity): void {
    if (this.#acquiring) return;
    this.#acquiring = true;
    identity
      .acquire(this.#options.deliveryTimeoutMs)
      .catch((error: Error) => {
        this.#accumulator.closeAll();
        this.#giveUpUnsent(error);
      })
      .finally(() => {
        this.#acquiring = false;
        this.wake();
      });
  }

  /**
   * One timer for the earliest reason to wake up. A time that had passed when the round began is
   * no reason; one that passes while the round looks around must stay one, or nobody comes back.
   */
  #wakeAt(atMs: number, nowMs: number): void {
    if (atMs >= this.#timerAtMs || atMs === Number.POSITIVE_INFINITY || this.#closed) return;
    if (atMs <= nowMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#client.io.clock.after(atMs - nowMs, () => {
      this.#timer = null;
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.#pump();
    });
  }
}
