// A consumer's part in a group: subscription, membership, commits, and the positions that follow
// from them. `drive` is called within every poll and does what a program must be asked for.

import type { Timer } from '../../io/index.ts';
import { isRetriable } from '../../protocol/index.ts';
import type { CallOptions, Client } from '../client.ts';
import { ClientConfigError } from '../client-config-error.ts';
import { Coordinator } from '../coordinator-requests.ts';
import { IllegalStateError, InvalidArgumentError } from '../errors.ts';
import type { TopicPartition } from '../leader-requests.ts';
import type { WorkHolder } from '../runner/index.ts';
import { AutoCommit } from './auto-commit.ts';
import { ClassicMembership } from './classic/index.ts';
import { CommittedPositions } from './committed-positions.ts';
import type { ResolvedConsumerOptions } from './consumer-options.ts';
import { ConsumerMembership } from './consumer-protocol/index.ts';
import type { Fetcher } from './fetcher.ts';
import { GroupAssignment } from './group-assignment.ts';
import type { GroupMembership } from './group-membership.ts';
import { type CommittedOffset, GroupOffsets, type OffsetToCommit } from './group-offsets.ts';
import { LoopBlocks } from './loop-blocks.ts';
import { type RebalanceListener, Subscription, type SubscriptionTarget } from './subscription.ts';

/**
 * Who a consumer is in its group, for transactions and for showing. One that was thrown out is who
 * it was until it has joined again: a transaction with what it has read fails then.
 */
export interface GroupMetadata {
  readonly groupId: string;
  /** The generation, or the member epoch; -1: it has not joined, or has left. */
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** @throws ClientConfigError without a groupId */
export function needGroup(group: ConsumerGroup | null): ConsumerGroup {
  if (group !== null) return group;
  throw new ClientConfigError('groupId is not set: a group is needed for that');
}

export interface ConsumerGroupContext {
  readonly client: Client;
  readonly options: ResolvedConsumerOptions;
  readonly groupId: string;
  readonly fetcher: Fetcher;
  /** What may be committed now. */
  positions(): OffsetToCommit[];
  /** There is something to do within poll. */
  onWork(): void;
  /** null: nobody wants to know. */
  readonly onCommitted: ((offsets: readonly OffsetToCommit[]) => void) | null;
}

export class ConsumerGroup {
  readonly groupId: string;
  readonly #context: ConsumerGroupContext;
  readonly #coordinator: Coordinator;
  readonly #assignment: GroupAssignment;
  readonly #membership: GroupMembership;
  readonly #offsets: GroupOffsets;
  #autoCommit: AutoCommit | null;
  readonly #committed: CommittedPositions;
  #subscription: Subscription | null = null;
  #pollTimer: Timer | null = null;
  #missingTimer: Timer | null = null;
  #missingTimes = 0;

  constructor(context: ConsumerGroupContext) {
    const { client, options, groupId, fetcher } = context;
    this.#context = context;
    this.groupId = groupId;
    this.#coordinator = new Coordinator(client, { type: 'group', name: groupId });
    this.#coordinator.onAnswered = fetcher.metrics.onAnswered.bind(fetcher.metrics);
    this.#assignment = new GroupAssignment(client, fetcher, groupId);
    const Membership =
      options.groupProtocol === 'consumer' ? ConsumerMembership : ClassicMembership;
    this.#membership = new Membership({
      client,
      coordinator: this.#coordinator,
      options,
      groupId,
      assignment: this.#assignment,
      subscription: () => this.#subscription,
      onWork: () => context.onWork(),
    });
    this.#offsets = new GroupOffsets(client, this.#coordinator, this.#membership, groupId);
    this.#offsets.onCommitted = context.onCommitted;
    const { enableAutoCommit, autoCommitIntervalMs } = options;
    this.#autoCommit = enableAutoCommit
      ? new AutoCommit(client, this.#offsets, autoCommitIntervalMs, () => context.positions())
      : null;
    this.#assignment.beforeRevoke = () => this.#commitBeforeRevoke();
    this.#committed = new CommittedPositions(client, fetcher, this.#offsets, options);
    client.onRefreshed = (isForAll) => this.#onMetadata(isForAll);
  }

  get subscription(): Subscription | null {
    return this.#subscription;
  }

  get metadata(): GroupMetadata {
    const { memberId, generation } = this.#membership.joinedAs;
    const { groupInstanceId } = this.#context.options;
    return { groupId: this.groupId, generationId: generation, memberId, groupInstanceId };
  }

  subscribe(target: SubscriptionTarget, listener: RebalanceListener): void {
    const { client, options } = this.#context;
    const subscription = new Subscription(target, listener, options.excludeInternalTopics);
    if (subscription.pattern !== null && options.groupProtocol !== 'consumer') {
      throw new InvalidArgumentError(
        'a SubscriptionPattern needs groupProtocol consumer: give a RegExp',
      );
    }
    this.#subscription = subscription;
    this.#assignment.listener = listener;
    // The broker's expression may bring topics of any name: we must know all of them.
    client.wantAllTopics(subscription.isExpression || subscription.pattern !== null);
    let isNew = subscription.isExpression;
    for (const topic of subscription.topics) isNew = client.wantTopic(topic) || isNew;
    if (isNew) client.refreshInBackground();
    this.#membership.onSubscriptionChanged();
  }

  async unsubscribe(reason: string, options: CallOptions = {}): Promise<void> {
    if (this.#subscription === null) return;
    this.#pollTimer?.cancel();
    const timeoutMs = options.timeoutMs ?? this.#context.client.options.defaultApiTimeoutMs;
    try {
      await this.#membership.leave(reason, timeoutMs);
    } finally {
      this.#subscription = null;
      this.#assignment.listener = {};
      this.#context.client.wantAllTopics(false);
    }
  }

  /** From now on, or until null, that one commits and hears of partitions that go. */
  setHolder(holder: WorkHolder | null): void {
    this.#autoCommit = null;
    this.#assignment.holder = holder;
  }

  /** What a poll has to do first. Calls the listener; throws what it throws. */
  async drive(): Promise<void> {
    if (this.#subscription !== null) {
      this.#armPollTimer();
      if (this.#subscription.isResolved) await this.#membership.drive();
      else this.#context.client.refreshInBackground();
    }
    this.#autoCommit?.maybeCommit();
    this.pump();
  }

  /** Within poll, for records: that is no slowness of the program. */
  onWaiting(): void {
    this.#pollTimer?.cancel();
  }

  /** The program has the records now, and maxPollIntervalMs for them. */
  onPollEnd(): void {
    if (this.#subscription !== null) this.#armPollTimer();
  }

  /** Looks up committed positions that are missing. */
  pump(): void {
    this.#committed.pump();
  }

  commit(offsets: readonly OffsetToCommit[] | null, options: CallOptions): Promise<void> {
    const committed = this.#offsets.commit(offsets ?? this.#context.positions(), options);
    return this.#timed('commit', committed);
  }

  committed(
    places: readonly TopicPartition[],
    options: CallOptions,
  ): Promise<(CommittedOffset | null)[]> {
    return this.#timed('committed', this.#offsets.fetch(places, options));
  }

  enforceRebalance(reason: string): void {
    if (this.#subscription === null) {
      throw new IllegalStateError('the consumer is not subscribed', 'Call subscribe() first.');
    }
    this.#membership.enforceRebalance(reason);
  }

  async #timed<T>(call: 'commit' | 'committed', work: Promise<T>): Promise<T> {
    const { clock } = this.#context.client.io;
    const beganMs = clock.monotonic();
    try {
      return await work;
    } finally {
      this.#context.fetcher.metrics.onCall(call, clock.monotonic() - beganMs);
    }
  }

  /** Before partitions assigned by hand change. */
  async commitBeforeAssign(): Promise<void> {
    await this.#commitBeforeRevoke();
  }

  async close(options: CallOptions): Promise<void> {
    const timeoutMs = options.timeoutMs ?? 30_000;
    try {
      if (this.#subscription !== null) {
        await this.unsubscribe('the consumer is being closed', { timeoutMs });
      } else if (this.#autoCommit !== null) await this.#autoCommit.commitNow(timeoutMs);
    } finally {
      this.#pollTimer?.cancel();
      this.#missingTimer?.cancel();
      this.#coordinator.close();
    }
  }

  async #commitBeforeRevoke(): Promise<void> {
    const { requestTimeoutMs } = this.#context.client.options;
    const timeoutMs = Math.min(requestTimeoutMs, this.#context.options.maxPollIntervalMs);
    await this.#autoCommit?.commitNow(timeoutMs);
  }

  #armPollTimer(): void {
    this.#pollTimer?.cancel();
    const { maxPollIntervalMs } = this.#context.options;
    const { clock } = this.#context.client.io;
    const blocks = new LoopBlocks(clock);
    this.#pollTimer = blocks.after(maxPollIntervalMs, () => {
      const remedy = 'take less per poll, or allow more time';
      this.#membership.onPollTimeout(blocks.describe(0, remedy) ?? remedy);
    });
  }

  #onMetadata(isForAll: boolean): void {
    const subscription = this.#subscription;
    if (subscription === null) return;
    const { client } = this.#context;
    if (isForAll) subscription.replayTopics(client.cache.topics);
    if (!subscription.isResolved) return;
    this.#membership.onMetadataChanged();
    this.#askAgainForMissing(subscription);
  }

  /** Topics that are not there yet, such as one that the broker creates now: soon again. */
  #askAgainForMissing({ topics }: Subscription): void {
    const { client } = this.#context;
    const isMissing = topics.some((topic) =>
      isRetriable(client.cache.topic(topic)?.errorCode ?? 0),
    );
    if (!isMissing) this.#missingTimes = 0;
    if (!isMissing || this.#missingTimer !== null) return;
    this.#missingTimes++;
    this.#missingTimer = client.io.clock.after(client.backoff.delayMs(this.#missingTimes), () => {
      this.#missingTimer = null;
      client.refreshInBackground();
    });
  }
}
