// The consumer as its users see it: partitions are assigned by hand or by a group, records are
// polled or iterated. Fetching is fetcher.ts; what a group adds is consumer-group.ts, which works
// on the same assigned partitions.
//
// Invariant: with a group, one poll is under way at most, and only polls (and unsubscribe, and
// close) change the assignment, so that records of a partition never come after its revocation.

import type { Io } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { type CallOptions, Client } from '../client.ts';
import { clientIo } from '../client-io.ts';
import { optionsFromProperties, type PropertiesResult } from '../client-options.ts';
import { closedError, IllegalStateError } from '../errors.ts';
import { withoutJavaNames } from '../java-names.ts';
import type { TopicPartition } from '../leader-requests.ts';
import type { ClientMetric } from '../metrics/index.ts';
import { OffsetSpec } from '../offset-queries.ts';
import type { RunBatchOptions, RunOptions, StopOptions } from '../runner/index.ts';
import type { SharedParts } from '../shared-parts.ts';
import { keepSerdes, releaseSerdes, type TopicTable, type Untyped } from '../topics.ts';
import { AssignedPartition } from './assigned-partition.ts';
import type { ConsumedRecord } from './consumed-record.ts';
import type { ConsumerBatch } from './consumer-batch.ts';
import { ConsumerGroup, type GroupMetadata, needGroup } from './consumer-group.ts';
import { ConsumerInterceptors } from './consumer-interceptors.ts';
import {
  type ConsumerOptions,
  consumerRules,
  type ResolvedConsumerOptions,
  resolveConsumerOptions,
} from './consumer-options.ts';
import type { ConsumerRecord } from './consumer-record.ts';
import { ConsumerRuns } from './consumer-runs.ts';
import { Fetcher } from './fetcher.ts';
import type { CommittedOffset, OffsetToCommit } from './group-offsets.ts';
import { resetSpec } from './offset-reset.ts';
import {
  type AssignedOffset,
  type PartitionOffset,
  PartitionOffsets,
  type RecordPlace,
  type TimestampedOffset,
  type TimestampQuery,
} from './partition-offsets.ts';
import { Polling } from './polling.ts';
import { Receipt } from './receipt.ts';
import type { RebalanceListener, SubscriptionTarget } from './subscription.ts';

/**
 * Reads records: of partitions assigned by hand, or as a member of a group that shares them. With
 * a table of `topics` keys and values have the types of the table. `seek`, `pause` and the like
 * throw an IllegalStateError for a partition that is not assigned; what needs a group throws a
 * ClientConfigError without groupId.
 *
 *     const consumer = new Consumer({ bootstrapServers: 'localhost:9092', groupId: 'billing' });
 *     consumer.subscribe(['orders']);
 *     for await (const record of consumer) console.log(record.offset, record.value?.toString());
 *
 *     const reader = new Consumer({ bootstrapServers: 'localhost:9092' });
 *     await reader.assign([{ topic: 'orders', partition: 0, offset: 'earliest' }]);
 *     const records = await reader.poll();
 */
export class Consumer<Topics extends TopicTable = Untyped> {
  readonly #io: Io;
  readonly #client: Client;
  readonly #options: ResolvedConsumerOptions;
  readonly #fetcher: Fetcher;
  readonly #group: ConsumerGroup | null;
  readonly #offsets: PartitionOffsets;
  readonly #interceptors: ConsumerInterceptors | null;
  /** null: all topics are bytes. */
  readonly #receipt: Receipt | null;
  readonly #polling: Polling;
  readonly #runs: ConsumerRuns | null;
  #closed = false;

  /** Connects with the first call. Throws a ClientConfigError for options that make no sense. */
  constructor(given: ConsumerOptions<Topics>, io: Io = clientIo(given), shared?: SharedParts) {
    const options = withoutJavaNames(given, consumerRules, io);
    this.#io = io;
    this.#options = resolveConsumerOptions(options);
    this.#client = new Client(io, options, this.#options.allowAutoCreateTopics, shared);
    this.#fetcher = new Fetcher(this.#client, this.#options);
    this.#offsets = new PartitionOffsets(this.#client, this.#options.isolationLevel);
    const { groupId, interceptors, maxPollRecords } = this.#options;
    this.#interceptors =
      interceptors.length === 0
        ? null
        : new ConsumerInterceptors(this.#client.log, interceptors, options);
    const client = this.#client;
    const fetcher = this.#fetcher;
    const { clock } = io;
    const { topics, onSerdeError } = this.#options;
    if (topics !== null) keepSerdes(topics);
    const onNews = (): void => this.#polling.onNews();
    const limitMs = client.options.defaultApiTimeoutMs;
    const { log } = client;
    this.#receipt =
      topics === null
        ? null
        : new Receipt({ topics, onSerdeError, log, fetcher, clock, limitMs, onNews });
    const receipt = this.#receipt;
    const polling = new Polling({ client, fetcher, groupId, maxPollRecords, receipt });
    this.#polling = polling;
    fetcher.onArrival = onNews;
    this.#group =
      groupId === null
        ? null
        : new ConsumerGroup({
            client,
            options: this.#options,
            groupId,
            fetcher,
            positions: () => polling.positions(),
            onWork: onNews,
            onCommitted: this.#interceptors && ((done) => this.#interceptors?.onCommit(done)),
          });
    polling.group = this.#group;
    this.#runs =
      this.#group === null
        ? null
        : new ConsumerRuns({
            io,
            given: options,
            options: this.#options,
            client,
            fetcher,
            group: this.#group,
            polling,
            decode: (record) => this.#received(record as ConsumerRecord),
            unsubscribe: () => this.unsubscribe(),
          });
  }

  /** Options from Java's property names; unknown keys become warnings. */
  static optionsFromProperties(
    properties: ReadonlyMap<string, string>,
  ): PropertiesResult<ConsumerOptions> {
    return optionsFromProperties<ConsumerOptions>(properties, consumerRules);
  }

  /**
   * Joins the group with the next `poll` and reads what the group assigns to us: topics by name,
   * all topics whose whole name a RegExp matches, or those that the broker matches to a
   * SubscriptionPattern (groupProtocol consumer). Replaces the subscription before it.
   */
  subscribe(target: SubscriptionTarget, listener: RebalanceListener = {}): void {
    const group = this.#needGroup();
    if (group.subscription === null && this.assignment().length > 0) {
      throw new IllegalStateError('partitions are assigned by hand: assign([]) before subscribing');
    }
    group.subscribe(target, listener);
    this.#polling.onNews();
  }

  /** Gives up all partitions and leaves the group; or forgets what was assigned by hand. */
  async unsubscribe(options: CallOptions = {}): Promise<void> {
    this.#polling.assertNone();
    await this.#group?.unsubscribe('the consumer unsubscribes', options);
    this.#fetcher.replaceAll([]);
  }

  /** The topics that are subscribed now; of a RegExp, those that match. */
  subscription(): readonly string[] {
    return this.#group?.subscription?.topics ?? [];
  }

  /**
   * Reads these partitions from now on and no others, without joining a group. One that was
   * assigned before keeps its position; a new one begins at `offset`, or where the group stopped,
   * or where autoOffsetReset says.
   */
  async assign(partitions: readonly AssignedOffset[]): Promise<void> {
    if (this.#group?.subscription != null) {
      throw new IllegalStateError(
        'the consumer is subscribed: unsubscribe before assigning by hand',
      );
    }
    await this.#group?.commitBeforeAssign();
    const assigned = partitions.map((each) => {
      const known = this.#fetcher.partition(each);
      const state = known ?? new AssignedPartition(each);
      this.#client.wantTopic(each.topic);
      const { offset } = each;
      if (typeof offset === 'number') state.seek(offset);
      else if (offset !== undefined) state.reset(OffsetSpec[offset]);
      else if (known === undefined && this.#group !== null) state.awaitCommitted();
      else if (known === undefined) this.#resetByPolicy(state);
      return state;
    });
    this.#fetcher.replaceAll(assigned);
    this.#group?.pump();
    this.#fetcher.pump();
  }

  /** The partitions that this consumer reads now. */
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

  /** Goes to the first record of these partitions, by default of all that are assigned. */
  seekToBeginning(places: readonly TopicPartition[] = this.assignment()): void {
    for (const place of places) this.#assigned(place).reset(OffsetSpec.earliest);
    this.#fetcher.pump();
  }

  /** Goes behind the last record of these partitions, by default of all that are assigned. */
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
      this.#group?.pump();
      this.#fetcher.pump();
      await this.#polling.waitUntil(deadlineMs);
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

  /**
   * How many offsets lie between the position and the end (high watermark, or last stable offset
   * with read_committed) as of the last fetch; null while either is not known. Asks nobody.
   */
  currentLag(place: TopicPartition): number | null {
    const { position, highWatermark, lastStableOffset } = this.#assigned(place);
    const isCommitted = this.#options.isolationLevel === 'read_committed';
    const end = isCommitted ? lastStableOffset : highWatermark;
    return position === null || end < 0 ? null : Math.max(0, end - position);
  }

  /** Stops handing out records of these partitions until `resume`. */
  pause(places: readonly TopicPartition[]): void {
    for (const place of places) this.#assigned(place).isPaused = true;
  }

  /** Hands out records of these partitions again. */
  resume(places: readonly TopicPartition[]): void {
    for (const place of places) this.#assigned(place).isPaused = false;
    this.#fetcher.pump();
    this.#polling.onNews();
  }

  /** The partitions that `pause` has stopped. */
  paused(): TopicPartition[] {
    return [...this.#fetcher.partitions]
      .filter((each) => each.isPaused)
      .map(({ topic, partition }) => ({ topic, partition }));
  }

  /**
   * Records that are there, at most maxPollRecords; waits up to `maxWaitMs` for the first one.
   * Drives the group: rebalance listeners are called in here, and without a poll for
   * maxPollIntervalMs the member leaves. Throws a KafkaError that needs a decision:
   * OFFSET_OUT_OF_RANGE without autoOffsetReset, TOPIC_AUTHORIZATION_FAILED, CORRUPT_MESSAGE
   * (an UnreadableRecordsError, which says where to seek to go on), a SerdeError (the position
   * stays), FENCED_INSTANCE_ID, GROUP_AUTHORIZATION_FAILED …; and what a listener throws.
   */
  poll(maxWaitMs = 1000): Promise<ConsumedRecord<Topics>[]> {
    return this.#poll(maxWaitMs) as Promise<unknown> as Promise<ConsumedRecord<Topics>[]>;
  }

  /**
   * Handles records without a loop: several at a time, in order where that was asked for, with
   * further attempts and dead letters. Commits what is done, and keeps in the metadata of the
   * commit what is done beyond it. Resolves after `stop`, `close` or the abort of `signal`; rejects
   * with what ended it. Subscribe before; enableAutoCommit is off from here on.
   */
  run(options: RunOptions<ConsumedRecord<Topics>>): Promise<void>;
  run(options: RunBatchOptions<ConsumedRecord<Topics>>): Promise<void>;
  async run(
    options: RunOptions<ConsumedRecord<Topics>> | RunBatchOptions<ConsumedRecord<Topics>>,
  ): Promise<void> {
    this.#needGroup();
    await this.#runs?.run(options);
  }

  /** Ends the run: fetches no more, lets handlers end for `drainMs`, commits, leaves the group. */
  async stop(options: StopOptions = {}): Promise<void> {
    await this.#runs?.stop(options);
  }

  /**
   * All records, one by one, until the consumer is closed. Records that the loop has not seen are
   * not committed, and come again in the next loop.
   */
  [Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord<Topics>, void> {
    const records: unknown = this.#polling.records(() => this.#poll(1000));
    return records as AsyncGenerator<ConsumedRecord<Topics>, void>;
  }

  /**
   * The same in batches of one partition each, as they were polled. A batch that the loop has seen
   * counts as read.
   *
   *     for await (const batch of consumer.batches()) {
   *       await store(batch.records);
   *       await batch.commit();
   *     }
   */
  batches(): AsyncGenerator<ConsumerBatch<ConsumedRecord<Topics>>, void> {
    const batches: unknown = this.#polling.batches(() => this.#poll(1000));
    return batches as AsyncGenerator<ConsumerBatch<ConsumedRecord<Topics>>, void>;
  }

  /**
   * Commits for the group: these offsets (of the next record to read), or the positions of all
   * assigned partitions. Repeats what is worth it until the time is up. Throws a KafkaError:
   * UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION or FENCED_INSTANCE_ID when the partitions may have new
   * owners, REBALANCE_IN_PROGRESS when the next poll must come first, OFFSET_METADATA_TOO_LARGE …
   * Not awaiting it is Java's commitAsync; do handle its rejection.
   */
  async commit(
    offsets: readonly OffsetToCommit[] | null = null,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#needGroup().commit(offsets, options);
  }

  /** Commits that all of the record's partition is done up to this record, itself included. */
  async commitRecord(
    { topic, partition, offset, leaderEpoch }: RecordPlace,
    options: CallOptions & { readonly metadata?: string } = {},
  ): Promise<void> {
    const { metadata = '' } = options;
    await this.commit([{ topic, partition, offset: offset + 1, leaderEpoch, metadata }], options);
  }

  /** The group's committed offsets, in the order asked for; null where there is none. */
  committed(
    places: readonly TopicPartition[],
    options: CallOptions = {},
  ): Promise<(CommittedOffset | null)[]> {
    return this.#needGroup().committed(places, options);
  }

  /** What this consumer measures, under Java's names. */
  metrics(): ClientMetric[] {
    return this.#fetcher.readMetrics(this.#group && this.#options.groupProtocol);
  }

  /**
   * What a commit would commit now: behind what `poll` returned, or an iteration has handed out.
   * For a producer's sendOffsetsToTransaction.
   */
  positions(): OffsetToCommit[] {
    return this.#polling.positions();
  }

  /** Back to the committed offsets: what was read since then comes again (after an abort). */
  seekToCommitted(places: readonly TopicPartition[] = this.assignment()): void {
    const group = this.#needGroup();
    for (const place of places) this.#assigned(place).awaitCommitted();
    group.pump();
  }

  /** Who we are in the group: for a producer's sendOffsetsToTransaction. */
  groupMetadata(): GroupMetadata {
    return this.#needGroup().metadata;
  }

  /**
   * Ends the poll under way, or else the next one: it throws a WakeupError, and loses nothing. May
   * be called at any time.
   */
  wakeup(): void {
    this.#polling.end('throw');
  }

  /** Asks for a rebalance with the next poll (classic protocol). */
  enforceRebalance(reason = 'the program asked for it'): void {
    this.#needGroup().enforceRebalance(reason);
  }

  /** For each partition the first record at or after a time. */
  offsetsForTimes(
    queries: readonly TimestampQuery[],
    options: CallOptions = {},
  ): Promise<TimestampedOffset[]> {
    return this.#offsets.forTimes(queries, options);
  }

  /** The offset of the first record of each partition. */
  beginningOffsets(
    places: readonly TopicPartition[],
    options: CallOptions = {},
  ): Promise<PartitionOffset[]> {
    return this.#offsets.at(places, OffsetSpec.earliest, options);
  }

  /** The offset behind the last record; with read_committed, the last stable offset. */
  endOffsets(
    places: readonly TopicPartition[],
    options: CallOptions = {},
  ): Promise<PartitionOffset[]> {
    return this.#offsets.at(places, OffsetSpec.latest, options);
  }

  /**
   * Ends a `poll` that waits and every iteration; commits with enableAutoCommit, gives up the
   * partitions and leaves the group, unless it is a static member. `timeoutMs` (default 30 000)
   * limits how long the broker may take for that; what a listener throws is thrown at the end.
   */
  async close(options: CallOptions = {}): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.stop();
    try {
      await this.#polling.close();
      await this.#group?.close(options);
    } finally {
      this.#fetcher.close();
      this.#client.close();
      this.#interceptors?.close();
      if (this.#options.topics !== null) releaseSerdes(this.#options.topics);
      this.#polling.onNews();
    }
  }

  /** Fetched bytes, then serdes, then interceptors; without either nothing is put in between. */
  #poll(maxWaitMs: number): Promise<ConsumerRecord[]> {
    let polled = this.#polling.poll(maxWaitMs);
    const receipt = this.#receipt;
    const interceptors = this.#interceptors;
    if (receipt !== null) polled = polled.then((records) => receipt.decoded(records));
    if (interceptors === null) return polled;
    return polled.then((records) => interceptors.onConsume(records));
  }

  /** A record as a handler of the runner gets it: there interceptors cannot take it away. */
  #received(bytes: ConsumerRecord): ConsumerRecord {
    const record = this.#receipt?.decodedCopy(bytes) ?? bytes;
    return this.#interceptors?.onConsume([record])[0] ?? record;
  }

  /** For `await using`: closes. */
  readonly [Symbol.asyncDispose]: () => Promise<void> = () => this.close();

  #needGroup(): ConsumerGroup {
    return needGroup(this.#group);
  }

  #resetByPolicy(state: AssignedPartition): void {
    const spec = resetSpec(this.#options.autoOffsetReset, this.#io.clock.now());
    if (spec === null) {
      throw new KafkaError(
        'OFFSET_OUT_OF_RANGE',
        `no position for ${nameOf(state)}, and autoOffsetReset is none: give an offset`,
      );
    }
    state.reset(spec);
  }

  #assigned(place: TopicPartition): AssignedPartition {
    const state = this.#fetcher.partition(place);
    if (state !== undefined) return state;
    const hint = 'Ask assignment() first: a rebalance may have taken the partition.';
    throw new IllegalStateError(`${nameOf(place)} is not assigned to this consumer`, hint);
  }

  #assertOpen(): void {
    if (this.#client.isClosed) throw closedError('consumer');
  }

  #deadline(timeoutMs = this.#client.options.defaultApiTimeoutMs): number {
    return this.#io.clock.monotonic() + timeoutMs;
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
