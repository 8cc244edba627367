// The consumer as its users see it: partitions are assigned, records are polled or iterated.
// Fetching is fetcher.ts; what a group adds (who gets which partition, commits) comes on top of
// `assign` and `position`, not into them.

import { Deferred } from '../../base/deferred.ts';
import type { Io } from '../../io/index.ts';
import { createNodeIo } from '../../io/node-io.ts';
import { KafkaError } from '../../protocol/index.ts';
import { type CallOptions, Client } from '../client.ts';
import { optionsFromProperties, type PropertiesResult } from '../client-options.ts';
import type { TopicPartition } from '../leader-requests.ts';
import { type FoundOffset, OffsetSpec, queryOffsets } from '../offset-queries.ts';
import { AssignedPartition } from './assigned-partition.ts';
import {
  type ConsumerOptions,
  consumerRules,
  type ResolvedConsumerOptions,
  resolveConsumerOptions,
} from './consumer-options.ts';
import type { ConsumerRecord } from './consumer-record.ts';
import { Fetcher } from './fetcher.ts';

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

export interface TimestampedOffset extends TopicPartition {
  /** null: there is no record at or after the time. */
  readonly found: FoundOffset | null;
}

/**
 * Reads records of the partitions assigned to it.
 *
 *     const consumer = new Consumer({ bootstrapServers: 'localhost:9092' });
 *     await consumer.assign([{ topic: 'orders', partition: 0, offset: 'earliest' }]);
 *     for await (const record of consumer) console.log(record.offset, record.value?.toString());
 */
export class Consumer {
  readonly #io: Io;
  readonly #client: Client;
  readonly #options: ResolvedConsumerOptions;
  readonly #fetcher: Fetcher;
  #arrival: Deferred<void> | null = null;
  #closed = false;

  constructor(options: ConsumerOptions, io: Io = createNodeIo({ logLevel: 'warn' })) {
    this.#io = io;
    this.#options = resolveConsumerOptions(options);
    this.#client = new Client(io, options, true);
    this.#fetcher = new Fetcher(this.#client, this.#options);
    this.#fetcher.onArrival = () => this.#onArrival();
  }

  /** Options from Java's property names; unknown keys become warnings. */
  static optionsFromProperties(
    properties: ReadonlyMap<string, string>,
  ): PropertiesResult<ConsumerOptions> {
    return optionsFromProperties<ConsumerOptions>(properties, consumerRules);
  }

  /**
   * Reads these partitions from now on and no others. One that was assigned before keeps its
   * position; a new one begins at `offset`, or where autoOffsetReset says.
   */
  async assign(
    partitions: readonly (TopicPartition & {
      readonly offset?: number | 'earliest' | 'latest';
    })[],
  ): Promise<void> {
    const assigned = partitions.map((each) => {
      const state = this.#fetcher.partition(each) ?? new AssignedPartition(each);
      this.#client.wantTopic(each.topic);
      const { offset } = each;
      if (typeof offset === 'number') state.seek(offset);
      else if (offset !== undefined) state.reset(OffsetSpec[offset]);
      else if (state.position === null && state.resetTo === null) this.#resetByPolicy(state);
      return state;
    });
    this.#fetcher.replaceAll(assigned);
    this.#fetcher.pump();
  }

  assignment(): TopicPartition[] {
    return [...this.#fetcher.partitions].map(({ topic, partition }) => ({ topic, partition }));
  }

  /** The partition numbers of a topic. */
  async partitionsFor(topic: string, options: CallOptions = {}): Promise<number[]> {
    const timeoutMs = options.timeoutMs ?? this.#client.options.defaultApiTimeoutMs;
    const found = await this.#client.awaitTopic(topic, timeoutMs);
    return found.partitions.map((each) => each.partition);
  }

  /** The next record to hand out is the one at `offset`, or the first behind it. */
  seek(place: TopicPartition, offset: number): void {
    this.#assigned(place).seek(offset);
    this.#fetcher.pump();
  }

  seekToBeginning(places: readonly TopicPartition[] = this.assignment()): void {
    for (const place of places) this.#assigned(place).reset(OffsetSpec.earliest);
    this.#fetcher.pump();
  }

  seekToEnd(places: readonly TopicPartition[] = this.assignment()): void {
    for (const place of places) this.#assigned(place).reset(OffsetSpec.latest);
    this.#fetcher.pump();
  }

  /** The offset of the next record to hand out; waits if it has to be looked up. */
  async position(place: TopicPartition, options: CallOptions = {}): Promise<number> {
    const state = this.#assigned(place);
    const deadlineMs = this.#deadline(options.timeoutMs);
    while (state.position === null) {
      this.#assertOpen();
      this.#fetcher.pump();
      await this.#nextArrival(deadlineMs);
      if (state.position === null && this.#io.clock.monotonic() >= deadlineMs) {
        throw new KafkaError('REQUEST_TIMED_OUT', `no position of ${nameOf(place)} in time`);
      }
    }
    return state.position;
  }

  /** The high watermark as of the last fetch; null before the first one. */
  highWatermark(place: TopicPartition): number | null {
    const { highWatermark } = this.#assigned(place);
    return highWatermark < 0 ? null : highWatermark;
  }

  /** Stops handing out records of these partitions until `resume`. */
  pause(places: readonly TopicPartition[]): void {
    for (const place of places) this.#assigned(place).isPaused = true;
  }

  resume(places: readonly TopicPartition[]): void {
    for (const place of places) this.#assigned(place).isPaused = false;
    this.#fetcher.pump();
    this.#onArrival();
  }

  paused(): TopicPartition[] {
    return [...this.#fetcher.partitions]
      .filter((each) => each.isPaused)
      .map(({ topic, partition }) => ({ topic, partition }));
  }

  /**
   * Records that are there, at most maxPollRecords; waits up to `maxWaitMs` for the first one.
   * Throws a KafkaError that needs a decision: OFFSET_OUT_OF_RANGE without autoOffsetReset,
   * CORRUPT_MESSAGE, TOPIC_AUTHORIZATION_FAILED …
   */
  async poll(maxWaitMs = 1000): Promise<ConsumerRecord[]> {
    const deadlineMs = this.#io.clock.monotonic() + maxWaitMs;
    for (;;) {
      if (this.#closed) return [];
      const records = this.#fetcher.collect(this.#options.maxPollRecords);
      this.#fetcher.pump();
      if (records.length > 0 || this.#io.clock.monotonic() >= deadlineMs) return records;
      await this.#nextArrival(deadlineMs);
    }
  }

  /** All records, one by one, until the consumer is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumerRecord, void, undefined> {
    while (!this.#closed) {
      for (const record of await this.poll()) {
        if (this.#closed) return;
        yield record;
      }
    }
  }

  /** The first offset at or after a time, by partition. */
  async offsetsForTimes(
    queries: readonly (TopicPartition & { readonly timestamp: number })[],
    options: CallOptions = {},
  ): Promise<TimestampedOffset[]> {
    const answers = await this.#queryOffsets(queries, options);
    return answers.map(({ topic, partition, found }) => {
      return { topic, partition, found: found.offset < 0 ? null : found };
    });
  }

  beginningOffsets(
    places: readonly TopicPartition[],
    options: CallOptions = {},
  ): Promise<PartitionOffset[]> {
    return this.#offsetsAt(places, OffsetSpec.earliest, options);
  }

  /** High watermarks, or last stable offsets with read_committed. */
  endOffsets(
    places: readonly TopicPartition[],
    options: CallOptions = {},
  ): Promise<PartitionOffset[]> {
    return this.#offsetsAt(places, OffsetSpec.latest, options);
  }

  /** Ends a `poll` that waits and every iteration. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#fetcher.close();
    this.#client.close();
    this.#onArrival();
  }

  async #offsetsAt(
    places: readonly TopicPartition[],
    timestamp: number,
    options: CallOptions,
  ): Promise<PartitionOffset[]> {
    const queries = places.map(({ topic, partition }) => ({ topic, partition, timestamp }));
    const answers = await this.#queryOffsets(queries, options);
    return answers.map(({ topic, partition, found }) => {
      return { topic, partition, offset: found.offset };
    });
  }

  async #queryOffsets(
    queries: readonly (TopicPartition & { readonly timestamp: number })[],
    options: CallOptions,
  ): Promise<(TopicPartition & { found: FoundOffset })[]> {
    const { isolationLevel } = this.#options;
    const answers = await queryOffsets(this.#client, queries, { ...options, isolationLevel });
    return answers.map(({ topic, partition, errorCode, answer }) => {
      if (answer === null) {
        const reason = KafkaError.fromCode(errorCode).message;
        throw KafkaError.fromCode(errorCode, `${nameOf({ topic, partition })}: ${reason}`);
      }
      return { topic, partition, found: answer };
    });
  }

  #resetByPolicy(state: AssignedPartition): void {
    const policy = this.#options.autoOffsetReset;
    if (policy === 'none') {
      throw new KafkaError(
        'OFFSET_OUT_OF_RANGE',
        `no position for ${nameOf(state)}, and autoOffsetReset is none: give an offset`,
      );
    }
    state.reset(OffsetSpec[policy]);
  }

  #assigned(place: TopicPartition): AssignedPartition {
    const state = this.#fetcher.partition(place);
    if (state !== undefined) return state;
    throw new Error(`${nameOf(place)} is not assigned to this consumer`);
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error('the consumer is closed');
  }

  #deadline(timeoutMs = this.#client.options.defaultApiTimeoutMs): number {
    return this.#io.clock.monotonic() + timeoutMs;
  }

  #onArrival(): void {
    this.#arrival?.resolve();
    this.#arrival = null;
  }

  /** Resolves when the fetcher has news, or at the deadline. */
  async #nextArrival(deadlineMs: number): Promise<void> {
    this.#arrival ??= new Deferred();
    const arrival = this.#arrival;
    const delayMs = Math.max(0, deadlineMs - this.#io.clock.monotonic());
    const timer = this.#io.clock.after(delayMs, () => arrival.resolve());
    await arrival.promise;
    if (this.#arrival === arrival) this.#arrival = null;
    timer.cancel();
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
