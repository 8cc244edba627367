// The producer as its users see it: records in, deliveries out, and the pressure back when more
// comes in than goes out. Batching is record-accumulator.ts, sending is sender.ts.
//
// Invariants: records of one partition keep the order of their `send` calls; every record is
// settled exactly once; a failure that no callback and no promise was told of is thrown by the
// next `flush` or `close`, or by the commit of its transaction.

import { Deferred } from '../../base/deferred.ts';
import type { Io } from '../../io/index.ts';
import { createNodeIo } from '../../io/node-io.ts';
import { KafkaError, type RecordInput } from '../../protocol/index.ts';
import { Client, messageOf } from '../client.ts';
import { ClientConfigError, type PropertiesResult } from '../client-options.ts';
import type { GroupMetadata } from '../consumer/consumer-group.ts';
import type { OffsetToCommit } from '../consumer/group-offsets.ts';
import { closedError } from '../errors.ts';
import { withoutJavaNames } from '../java-names.ts';
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
  roughBytesOf,
} from './producer-record.ts';
import { RecordAccumulator } from './record-accumulator.ts';
import { type Entry, RoomWaiters } from './room-waiters.ts';
import { Sender } from './sender.ts';
import { TopicPartitioner } from './topic-partitioner.ts';
import { Transaction } from './transaction.ts';
import { Transactions } from './transactions.ts';

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
 */
export class Producer {
  readonly #io: Io;
  readonly #client: Client;
  readonly #options: ResolvedProducerOptions;
  readonly #accumulator: RecordAccumulator;
  readonly #sender: Sender;
  readonly #identity: ProducerIdentity | null;
  readonly #transactions: Transactions | null;
  readonly #topics = new Map<string, TopicState>();
  readonly #roomWaiters: RoomWaiters;
  #drained: Deferred<void> | null = null;
  #emptied: Deferred<void> | null = null;
  #waitingCount = 0;
  /** What the records that wait for metadata take, roughly. */
  #waitingBytes = 0;
  #unreported: Error | null = null;
  #isFull = false;
  #closed = false;
  /** Used for every record, so that appending allocates nothing. */
  readonly #scratch: { -readonly [Name in keyof RecordInput]: RecordInput[Name] } = {};

  /** Throws a ClientConfigError if options contradict each other. */
  constructor(given: ProducerOptions, io: Io = createNodeIo({ logLevel: 'warn' })) {
    const options = withoutJavaNames(given, producerRules, io);
    this.#io = io;
    this.#options = resolveProducerOptions(options);
    this.#client = new Client(io, options, true);
    const identity = new ProducerIdentity(this.#client, this.#options.transactionalId !== null);
    this.#identity = this.#options.idempotent ? identity : null;
    this.#accumulator = new RecordAccumulator(io.clock, this.#options);
    this.#accumulator.onCallbackThrown = (error) => {
      this.#client.log.error('a delivery callback threw', { error: messageOf(error) });
    };
    this.#accumulator.onBatchDone = (batch, error) => this.#onBatchDone(batch, error);
    this.#roomWaiters = new RoomWaiters(io.clock, this.#options.maxBlockMs);
    this.#roomWaiters.onExpired = (error, { callback }) => {
      this.#waitingCount--;
      this.#refuse(error, callback);
    };
    this.#sender = new Sender(this.#client, this.#options, this.#accumulator, this.#identity);
    this.#transactions = this.#createTransactions();
    this.#sender.transactions = this.#transactions;
  }

  /** Options from Java's property names; unknown keys become warnings. */
  static optionsFromProperties(
    properties: ReadonlyMap<string, string>,
  ): PropertiesResult<ProducerOptions> {
    return producerOptionsFromProperties(properties);
  }

  /** Bytes of records that were accepted and are not delivered yet. */
  get bufferedBytes(): number {
    return this.#accumulator.memoryBytes + this.#waitingBytes;
  }

  /**
   * Sends a record; resolves when it is delivered as `acks` says. Rejects with a KafkaError when
   * that failed for good. While buffer.memory is exhausted the record waits its turn, at most
   * maxBlockMs. Within a transaction the promise need not be awaited: commitTransaction waits for
   * every record, and fails if one of them has.
   */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    const sent = new Promise<RecordMetadata>((resolve, reject) => {
      const callback: DeliveryCallback = (error, metadata) => {
        if (error === null) resolve(metadata as RecordMetadata);
        else reject(error);
      };
      this.#assertMaySend('send()', record);
      if (this.#roomWaiters.length > 0 || !this.#hasRoom()) this.#waitForRoom({ record, callback });
      else this.#accept(record, callback);
    });
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
  write(record: ProducerRecord, callback: DeliveryCallback | null = null): boolean {
    this.#assertMaySend('write()', record);
    this.#accept(record, callback);
    if (this.#hasRoom()) return true;
    this.#hurryWhileFull();
    return false;
  }

  /** Resolves when there is room for more records. */
  async drained(): Promise<void> {
    if (this.#hasRoom()) return;
    this.#drained ??= new Deferred();
    await this.#drained.promise;
  }

  /**
   * Sends all that is buffered without lingering and resolves when every record accepted so far
   * is settled. Rejects with the first failure that was not reported otherwise.
   */
  async flush(): Promise<void> {
    await this.#settled();
    this.#throwUnreported();
  }

  /**
   * Makes this producer the only one of its transactionalId: older ones are fenced, and what they
   * left open is aborted. Needed once, before beginTransaction. Rejects with REQUEST_TIMED_OUT
   * after maxBlockMs: call it again to wait on; with a TransactionError when it cannot be.
   */
  async initTransactions(): Promise<void> {
    await this.#needTransactions().init(this.#options.maxBlockMs);
  }

  /** What is sent from now on becomes visible to read_committed consumers with the commit. */
  beginTransaction(): void {
    if (this.#closed) throw closedError('producer');
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
    if (this.#closed) throw closedError('producer');
    await this.#needTransactions().sendOffsets(offsets, groupMetadata, this.#options.maxBlockMs);
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
  async transaction<T>(work: (transaction: Transaction) => Promise<T> | T): Promise<T> {
    const transactions = this.#needTransactions();
    if (transactions.isUninitialized) await this.initTransactions();
    this.beginTransaction();
    const transaction = new Transaction(this);
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

  /** The partition numbers of a topic, which may be created by asking (auto.create.topics). */
  async partitionsFor(topic: string): Promise<number[]> {
    const found = await this.#client.awaitTopic(topic, this.#options.maxBlockMs);
    return found.partitions.map((each) => each.partition);
  }

  /**
   * Delivers what is buffered, then closes; aborts a transaction that is open. After `timeoutMs`
   * (default deliveryTimeoutMs) what is left fails. Rejects with what was not reported otherwise.
   */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const timer = this.#io.clock.after(options.timeoutMs ?? this.#options.deliveryTimeoutMs, () =>
      this.#abandon(),
    );
    try {
      await this.#transactions?.finish();
      await this.flush();
    } finally {
      timer.cancel();
      this.#roomWaiters.close();
      this.#sender.close();
      this.#transactions?.close();
      this.#client.close();
    }
  }

  #createTransactions(): Transactions | null {
    const { transactionalId, transactionTimeoutMs } = this.#options;
    if (transactionalId === null) return null;
    const options = { transactionalId, transactionTimeoutMs };
    return new Transactions(this.#client, options, this.#identity as ProducerIdentity, {
      settled: () => this.#settled(),
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
      await transactions[how](timeoutMs);
    } finally {
      // The outcome of the transaction tells of its records.
      if (!transactions.isOpen) this.#unreported = null;
    }
  }

  #assertMaySend(call: string, record: ProducerRecord): void {
    if (this.#closed) throw closedError('producer');
    assertRecord(record);
    this.#transactions?.assertMaySend(call);
  }

  /** Resolves when every record accepted so far is settled; none of them lingers. */
  async #settled(): Promise<void> {
    this.#sender.hurry++;
    this.#sender.wake();
    try {
      while (this.#accumulator.incomplete.size > 0 || this.#waitingCount > 0) {
        this.#emptied ??= new Deferred();
        await this.#emptied.promise;
      }
    } finally {
      this.#sender.hurry--;
    }
  }

  #accept(record: ProducerRecord, callback: DeliveryCallback | null): void {
    let state = this.#topics.get(record.topic);
    if (state === undefined) {
      const partitioner = new TopicPartitioner(this.#io.random, this.#options);
      state = { partitioner, queues: [], waiting: null };
      this.#topics.set(record.topic, state);
    }
    if (state.waiting === null && this.#append(state, record, callback)) return;
    this.#waitingCount++;
    this.#waitingBytes += roughBytesOf(record);
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
    input.headers = record.headers;
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
      queue = this.#queueOf(state, record, partitioner.move(topic));
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
      await this.#client.awaitTopic(name, this.#options.maxBlockMs);
    } catch (error) {
      failure = error as Error;
    }
    const waiting = state.waiting ?? [];
    state.waiting = null;
    this.#waitingCount -= waiting.length;
    for (const { record, callback } of waiting) {
      this.#waitingBytes -= roughBytesOf(record);
      if (failure !== null) this.#refuse(failure, callback);
      else if (!this.#append(state, record, callback)) {
        const message = `topic ${name} has no partitions`;
        this.#refuse(new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message), callback);
      }
    }
    if (this.#sender.hurry > 0) this.#sender.wake();
    if (this.#hasRoom()) this.#onRoom();
    this.#maybeEmptied();
  }

  #refuse(error: Error, callback: DeliveryCallback | null): void {
    this.#transactions?.onRecordFailed(error);
    if (callback === null) this.#unreported ??= error;
    else callback(error, null);
  }

  #hasRoom(): boolean {
    return this.bufferedBytes < this.#options.bufferMemoryBytes;
  }

  /** Open batches do not linger while others wait for their memory. */
  #hurryWhileFull(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#sender.hurry++;
    this.#sender.wake();
  }

  #waitForRoom(entry: Entry): void {
    this.#roomWaiters.push(entry);
    this.#waitingCount++;
    this.#hurryWhileFull();
  }

  #onBatchDone(batch: ProducerBatch, error: Error | null): void {
    if (batch.failure !== null) this.#transactions?.onBatchFailed(batch, batch.failure);
    if (error !== null) this.#unreported ??= error;
    if (this.#hasRoom()) this.#onRoom();
    this.#maybeEmptied();
  }

  #onRoom(): void {
    while (this.#roomWaiters.length > 0 && this.#hasRoom()) {
      const { record, callback } = this.#roomWaiters.shift() as Entry;
      this.#waitingCount--;
      this.#accept(record, callback);
    }
    if (!this.#hasRoom()) return;
    if (this.#isFull) {
      this.#isFull = false;
      this.#sender.hurry--;
    }
    this.#drained?.resolve();
    this.#drained = null;
  }

  #maybeEmptied(): void {
    if (this.#accumulator.incomplete.size > 0 || this.#waitingCount > 0) return;
    this.#emptied?.resolve();
    this.#emptied = null;
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
    this.#maybeEmptied();
    if (this.#transactions === null) return;
    // Whatever is still asked of the coordinator fails now.
    this.#client.close();
    this.#transactions.close();
  }

  /** Refuses what is in no batch yet. */
  #dropWaiting(error: Error): void {
    for (const { callback } of this.#roomWaiters.drain()) this.#refuse(error, callback);
    for (const state of this.#topics.values()) {
      for (const { callback } of state.waiting?.splice(0) ?? []) this.#refuse(error, callback);
    }
    this.#waitingCount = 0;
    this.#waitingBytes = 0;
    this.#maybeEmptied();
  }
}
