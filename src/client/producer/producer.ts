// The producer as its users see it: records in, deliveries out, and the pressure back when more
// comes in than goes out. Batching is record-accumulator.ts, sending is sender.ts.
//
// Invariants: records of one partition keep the order of their `send` calls; every record is
// settled exactly once; a failure that no callback and no promise was told of is thrown by the
// next `flush` or `close`, or by the commit of its transaction.

import type { Io } from '../../io/index.ts';
import { KafkaError, type RecordHeader, type RecordInput } from '../../protocol/index.ts';
import { Client, messageOf } from '../client.ts';
import { clientIo } from '../client-io.ts';
import { ClientConfigError, type PropertiesResult } from '../client-options.ts';
import type { GroupMetadata } from '../consumer/consumer-group.ts';
import type { OffsetToCommit } from '../consumer/group-offsets.ts';
import { isHeard, tracedSend } from '../diagnostics.ts';
import { closedError, InvalidArgumentError } from '../errors.ts';
import { headerListOf } from '../headers.ts';
import { withoutJavaNames } from '../java-names.ts';
import type { ClientMetric } from '../metrics/index.ts';
import type { SharedParts } from '../shared-parts.ts';
import type { TopicTable, Untyped } from '../topics.ts';
import { BackPressure } from './back-pressure.ts';
import { PartitionQueue } from './partition-queue.ts';
import type { ProducerBatch } from './producer-batch.ts';
import { ProducerIdentity } from './producer-identity.ts';
import {
  type ProducerOptions,
  producerOptionsFromProperties,
  producerRules,
  type ResolvedProducerOptions,
  resolveProducerOptions,
} from './producer-options.ts';
import {
  assertRecord,
  assertSize,
  bytesOf,
  type DeliveryCallback,
  type ProducerRecord,
  type RecordMetadata,
  type RecordOf,
  roughBytesOf,
} from './producer-record.ts';
import { RecordAccumulator } from './record-accumulator.ts';
import { type Admit, createStages, type RecordStages } from './record-stages.ts';
import type { Entry } from './room-waiters.ts';
import { Sender } from './sender.ts';
import { TopicPartitioner } from './topic-partitioner.ts';
import { Transaction } from './transaction.ts';
import { Transactions } from './transactions.ts';

const noList: readonly RecordHeader[] = [];

interface TopicState {
  readonly partitioner: TopicPartitioner;
  readonly queues: PartitionQueue[];
  /** Records that came before the topic's metadata. */
  waiting: Entry[] | null;
}

/**
 * Sends records to Kafka topics, in batches, with retries, by default idempotently and with
 * acks=all.
 *
 *     const producer = new Producer({ bootstrapServers: 'localhost:9092' });
 *     await producer.send({ topic: 'orders', key: 'k', value: 'v' });
 *     await producer.close();
 *
 * With a table of `topics` keys and values have the types of the table.
 */
export class Producer<Topics extends TopicTable = Untyped> {
  readonly #io: Io;
  readonly #client: Client;
  readonly #options: ResolvedProducerOptions;
  readonly #accumulator: RecordAccumulator;
  readonly #sender: Sender;
  readonly #identity: ProducerIdentity | null;
  readonly #transactions: Transactions | null;
  /** null when records are sent as they are given. */
  readonly #stages: RecordStages | null;
  readonly #topics = new Map<string, TopicState>();
  readonly #pressure: BackPressure;
  #unreported: Error | null = null;
  #closing: Promise<void> | null = null;
  /** Used for every record, so that appending allocates nothing. */
  readonly #scratch: { -readonly [Name in keyof RecordInput]: RecordInput[Name] } = {};

  /** Connects with the first record. Throws a ClientConfigError for options that make no sense. */
  constructor(given: ProducerOptions<Topics>, io: Io = clientIo(given), shared?: SharedParts) {
    const options = withoutJavaNames(given, producerRules, io);
    this.#io = io;
    this.#options = resolveProducerOptions(options);
    this.#client = new Client(io, options, true, shared);
    const identity = new ProducerIdentity(this.#client, this.#options.transactionalId !== null);
    this.#identity = this.#options.idempotent ? identity : null;
    this.#accumulator = new RecordAccumulator(io.clock, this.#options);
    this.#accumulator.onCallbackThrown = (error) => {
      this.#client.log.error('a delivery callback threw', { error: messageOf(error) });
    };
    this.#accumulator.onBatchDone = (batch, error) => this.#onBatchDone(batch, error);
    this.#sender = new Sender(this.#client, this.#options, this.#accumulator, this.#identity);
    this.#pressure = new BackPressure(io.clock, this.#options, this.#accumulator, this.#sender);
    this.#pressure.onAdmitted = ({ record, callback }) => this.#accept(record, callback);
    this.#pressure.onExpired = (error, { callback }) => this.#refuse(error, callback);
    this.#transactions = this.#createTransactions();
    this.#sender.transactions = this.#transactions;
    this.#stages = createStages(this.#client, options, this.#options.maxBlockMs, {
      refuse: (error, callback) => this.#refuse(error, callback),
      onUntold: (error) => {
        this.#unreported ??= error;
      },
      onWaiting: (change) => {
        this.#pressure.onWaiting(change, 0);
        this.#pressure.maybeEmptied();
      },
    });
    const { partitioner } = this.#options;
    if (typeof partitioner === 'object') partitioner?.configure?.(options);
  }

  /** Options from Java's property names; unknown keys become warnings. */
  static optionsFromProperties(
    properties: ReadonlyMap<string, string>,
  ): PropertiesResult<ProducerOptions> {
    return producerOptionsFromProperties(properties);
  }

  /** Bytes of records that were accepted and are not delivered yet. */
  get bufferedBytes(): number {
    return this.#pressure.bufferedBytes;
  }

  /**
   * Sends a record; resolves when it is delivered as `acks` says. Rejects with a KafkaError when
   * that failed for good. While buffer.memory is exhausted the record waits its turn, at most
   * maxBlockMs. Within a transaction the promise need not be awaited: commitTransaction waits for
   * every record, and fails if one of them has.
   */
  send(record: RecordOf<Topics>): Promise<RecordMetadata> {
    const given = record as ProducerRecord;
    const sent = isHeard('send')
      ? tracedSend(this.#client.options.clientId, given, (each) => this.#sendOne(each))
      : this.#sendOne(given);
    if (this.#transactions?.isOpen) {
      sent.catch(() => {
        // The commit of the transaction throws it.
      });
    }
    return sent;
  }

  /**
   * The quick way for many records: no promise for each. The record is always accepted; false
   * asks the caller to await `drained()` before the next one. Without a callback a failure is
   * thrown by the next `flush` or `close`. Throws if the producer is closed, or transactional and
   * not within a transaction that can be committed.
   */
  write(record: RecordOf<Topics>, callback: DeliveryCallback | null = null): boolean {
    this.#assertMaySend('write()');
    this.#take(record as ProducerRecord, callback, this.#admit);
    if (this.#pressure.hasRoom) return true;
    this.#pressure.hurryWhileFull();
    return false;
  }

  /** Resolves when there is room for more records. */
  drained(): Promise<void> {
    return this.#pressure.drained();
  }

  /**
   * Sends all that is buffered without lingering and resolves when every record accepted so far
   * is settled. Rejects with the first failure that was not reported otherwise.
   */
  async flush(): Promise<void> {
    await this.#sender.metrics.timed('flush', this.#pressure.settled());
    this.#throwUnreported();
  }

  /**
   * Makes this producer the only one of its transactionalId: older ones are fenced, and what they
   * left open is aborted. Needed once, before beginTransaction. Rejects with REQUEST_TIMED_OUT
   * after maxBlockMs: call it again to wait on; with a TransactionError when it cannot be.
   */
  async initTransactions(): Promise<void> {
    const ready = this.#needTransactions().init(this.#options.maxBlockMs);
    await this.#sender.metrics.timed('txn-init', ready);
  }

  /**
   * Begins a transaction: what is sent from now on becomes visible to read_committed consumers with
   * the commit. Throws a ClientConfigError without transactionalId, and an IllegalStateError before
   * initTransactions and within a transaction.
   */
  beginTransaction(): void {
    if (this.#closing !== null) throw closedError('producer');
    this.#needTransactions().begin();
  }

  /**
   * Commits a consumer's offsets with this transaction: consumer.positions() as of the records
   * that were worked on, and consumer.groupMetadata(). The consumer needs enableAutoCommit false.
   * Throws a TransactionError if the consumer may not own its partitions any more.
   */
  async sendOffsetsToTransaction(
    offsets: readonly OffsetToCommit[],
    groupMetadata: GroupMetadata,
  ): Promise<void> {
    if (this.#closing !== null) throw closedError('producer');
    const { maxBlockMs } = this.#options;
    const sent = this.#needTransactions().sendOffsets(offsets, groupMetadata, maxBlockMs);
    await this.#sender.metrics.timed('txn-send-offsets', sent);
  }

  /**
   * Delivers what was sent and commits. Throws a TransactionError, also when a record or an offset
   * has failed before: then abort, unless `isFatal`. Rejects with REQUEST_TIMED_OUT after
   * maxBlockMs: it may have been committed, call it again to know.
   */
  async commitTransaction(): Promise<void> {
    await this.#end('commit', this.#options.maxBlockMs);
  }

  /** Drops what was not sent yet and takes back what was. Times out as commitTransaction does. */
  async abortTransaction(): Promise<void> {
    await this.#end('abort', this.#options.maxBlockMs);
  }

  /**
   * Runs `work` in a transaction of its own and commits it; if it throws, or the commit fails,
   * aborts and throws that. Waits as long as the brokers need to decide.
   *
   *     await producer.transaction(async (transaction) => {
   *       for (const record of records) transaction.send({ topic: 'out', value: record.value });
   *       await transaction.sendOffsets(consumer.positions(), consumer.groupMetadata());
   *     });
   */
  async transaction<T>(work: (transaction: Transaction<Topics>) => Promise<T> | T): Promise<T> {
    const transactions = this.#needTransactions();
    if (transactions.isUninitialized) await this.initTransactions();
    this.beginTransaction();
    const transaction = new Transaction<Topics>(this);
    try {
      const result = await work(transaction);
      await this.#end('commit', Number.POSITIVE_INFINITY);
      return result;
    } catch (error) {
      // A failure of the abort is in the state: whatever is called next throws it.
      if (transactions.isOpen) await this.#end('abort', Number.POSITIVE_INFINITY).catch(() => {});
      throw error;
    } finally {
      transaction.end();
    }
  }

  /** What this producer measures, under Java's names. */
  metrics(): ClientMetric[] {
    return this.#sender.readMetrics(this.bufferedBytes, this.#pressure.waiting);
  }

  /** The partition numbers of a topic, which may be created by asking (auto.create.topics). */
  async partitionsFor(topic: string): Promise<number[]> {
    if (this.#closing !== null) throw closedError('producer');
    const found = await this.#client.awaitTopic(topic, this.#options.maxBlockMs);
    return found.partitions.map((each) => each.partition);
  }

  /**
   * Delivers what is buffered, then closes; aborts a transaction that is open. After `timeoutMs`
   * (default deliveryTimeoutMs) what is left fails. Rejects with what was not reported otherwise.
   * A second call waits for the first.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? this.#options.deliveryTimeoutMs;
    if (!(timeoutMs >= 0)) {
      const message = `close() has timeoutMs ${timeoutMs}: expected 0 or more milliseconds`;
      return Promise.reject(new InvalidArgumentError(message));
    }
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    const timer = this.#io.clock.after(timeoutMs, () => this.#abandon());
    try {
      await this.#transactions?.finish();
      await this.flush();
    } finally {
      timer.cancel();
      this.#pressure.close();
      this.#sender.close();
      this.#transactions?.close();
      this.#client.close();
      this.#stages?.close();
      const { partitioner } = this.#options;
      if (typeof partitioner === 'object') partitioner?.close?.();
    }
  }

  /** For `await using`: closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #createTransactions(): Transactions | null {
    const { transactionalId, transactionTimeoutMs } = this.#options;
    if (transactionalId === null) return null;
    const options = { transactionalId, transactionTimeoutMs };
    return new Transactions(this.#client, options, this.#identity as ProducerIdentity, {
      settled: () => this.#pressure.settled(),
      dropWaiting: (error) => this.#dropWaiting(error),
      wake: () => this.#sender.wake(),
    });
  }

  #needTransactions(): Transactions {
    if (this.#transactions !== null) return this.#transactions;
    throw new ClientConfigError('transactionalId is not set: transactions need one');
  }

  async #end(how: 'commit' | 'abort', timeoutMs: number): Promise<void> {
    const transactions = this.#needTransactions();
    try {
      await this.#sender.metrics.timed(`txn-${how}`, transactions[how](timeoutMs));
    } finally {
      // The outcome of the transaction tells of its records.
      if (!transactions.isOpen) this.#unreported = null;
    }
  }

  #sendOne(record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise<RecordMetadata>((resolve, reject) => {
      const callback: DeliveryCallback = (error, metadata) => {
        if (error === null) resolve(metadata as RecordMetadata);
        else reject(error);
      };
      this.#assertMaySend('send()');
      try {
        this.#take(record, callback, this.#admitWithRoom);
      } catch (error) {
        this.#transactions?.onRecordFailed(error as Error);
        throw error;
      }
    });
  }

  #assertMaySend(call: string): void {
    if (this.#closing !== null) throw closedError('producer');
    this.#transactions?.assertMaySend(call);
  }

  #take(record: ProducerRecord, callback: DeliveryCallback | null, admit: Admit): void {
    if (this.#stages !== null) {
      this.#stages.take(record, callback, admit);
      return;
    }
    assertRecord(record);
    admit(record, callback);
  }

  readonly #admit: Admit = (record, callback) => this.#accept(record, callback);

  readonly #admitWithRoom: Admit = (record, callback) => {
    if (this.#pressure.isBlocked) this.#pressure.waitForRoom({ record, callback });
    else this.#accept(record, callback);
  };

  #accept(record: ProducerRecord, callback: DeliveryCallback | null): void {
    this.#sender.setBusy(true);
    let state = this.#topics.get(record.topic);
    if (state === undefined) {
      const partitioner = new TopicPartitioner(this.#io.random, this.#options);
      state = { partitioner, queues: [], waiting: null };
      this.#topics.set(record.topic, state);
    }
    if (state.waiting === null && this.#append(state, record, callback)) return;
    this.#pressure.onWaiting(1, roughBytesOf(record));
    if (state.waiting !== null) state.waiting.push({ record, callback });
    else {
      state.waiting = [{ record, callback }];
      void this.#awaitTopic(record.topic, state);
    }
  }

  /** False when the topic is not known yet. */
  #append(state: TopicState, record: ProducerRecord, callback: DeliveryCallback | null): boolean {
    const topic = this.#client.topic(record.topic);
    if (topic === undefined || topic.partitions.length === 0) return false;
    const input = this.#scratch;
    const key = bytesOf(record.key);
    input.key = key;
    input.value = bytesOf(record.value);
    if (record.headers === undefined) input.headers = noList;
    else input.headers = headerListOf(record.headers);
    input.timestamp = record.timestamp ?? this.#io.clock.now();
    let partition: number;
    try {
      partition = state.partitioner.partitionOf(topic, record, key, state.queues);
      assertSize(input, this.#options.maxRequestSizeBytes);
    } catch (error) {
      this.#refuse(error as Error, callback);
      return true;
    }
    const { partitioner } = state;
    let queue = this.#queueOf(state, record, partition);
    let isNews = this.#accumulator.append(queue, input, callback, partitioner.mayMove);
    if (isNews === null) {
      queue = this.#queueOf(state, record, partitioner.move(topic, state.queues));
      this.#accumulator.append(queue, input, callback, false);
      isNews = true;
    }
    if (isNews) this.#sender.wake();
    partitioner.onAppended(this.#accumulator.appendedBytes);
    return true;
  }

  #queueOf({ queues }: TopicState, { topic }: ProducerRecord, partition: number): PartitionQueue {
    let queue = queues[partition];
    if (queue === undefined) {
      queue = new PartitionQueue(topic, partition, this.#identity);
      queues[partition] = queue;
    }
    this.#transactions?.onAppend(queue);
    return queue;
  }

  async #awaitTopic(name: string, state: TopicState): Promise<void> {
    let failure: Error | null = null;
    try {
      const known = this.#client.awaitTopic(name, this.#options.maxBlockMs);
      await this.#sender.metrics.timed('metadata-wait', known);
    } catch (error) {
      failure = error as Error;
    }
    const waiting = state.waiting ?? [];
    state.waiting = null;
    for (const { record, callback } of waiting) {
      this.#pressure.onWaiting(-1, -roughBytesOf(record));
      if (failure !== null) this.#refuse(failure, callback);
      else if (!this.#append(state, record, callback)) {
        const message = `topic ${name} has no partitions`;
        this.#refuse(new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message), callback);
      }
    }
    if (this.#sender.hurry > 0) this.#sender.wake();
    this.#pressure.onProgress();
  }

  #refuse(error: Error, callback: DeliveryCallback | null): void {
    this.#transactions?.onRecordFailed(error);
    if (callback === null) this.#unreported ??= error;
    else callback(error, null);
  }

  #onBatchDone(batch: ProducerBatch, error: Error | null): void {
    if (batch.failure !== null) this.#transactions?.onBatchFailed(batch, batch.failure);
    if (error !== null) this.#unreported ??= error;
    this.#pressure.onProgress();
  }

  #throwUnreported(): void {
    const error = this.#unreported;
    this.#unreported = null;
    if (error !== null) throw error;
  }

  /** The time to close is up. */
  #abandon(): void {
    const error = new KafkaError('REQUEST_TIMED_OUT', 'the producer was closed before delivery');
    this.#sender.close();
    this.#dropWaiting(error);
    for (const batch of [...this.#accumulator.incomplete]) batch.fail(error);
    this.#pressure.maybeEmptied();
    if (this.#transactions === null) return;
    // Whatever is still asked of the coordinator fails now.
    this.#client.close();
    this.#transactions.close();
  }

  /** Refuses what is in no batch yet. */
  #dropWaiting(error: Error): void {
    this.#stages?.drop(error);
    for (const { callback } of this.#pressure.drop()) this.#refuse(error, callback);
    for (const state of this.#topics.values()) {
      for (const { callback } of state.waiting?.splice(0) ?? []) this.#refuse(error, callback);
    }
    this.#pressure.maybeEmptied();
  }
}
