// The coordinator of the groups of this broker: finds the partition of a group, keeps one shard per
// partition of __consumer_offsets that this broker leads, and hands requests to it.
//
// Invariant: a shard belongs to one leader epoch; when the epoch moves on, the shard is closed and
// another one replays the log.

import { javaHashBucket } from '../../base/java-hash-code.ts';
import type { BrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import type { Controller, ImageChanges } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { Replicas } from '../../replication/index.ts';
import type { EndMarker } from '../../storage/index.ts';
import { createOffsetsTopic, OFFSETS_TOPIC } from '../offsets-topic.ts';
import type { JoinAnswer, SyncAnswer } from './classic/classic-member.ts';
import {
  assertGroupId,
  heartbeatClassicGroup,
  type JoinContext,
  joinClassicGroup,
  type LeaveAnswer,
  type LeaveGroupRequest,
  leaveClassicGroup,
  syncClassicGroup,
} from './classic/classic-requests.ts';
import type { HeartbeatRequest } from './classic/heartbeat.ts';
import type { SyncGroupRequest } from './classic/sync-group.ts';
import {
  type ConsumerHeartbeatAnswer,
  type ConsumerHeartbeatContext,
  onConsumerHeartbeat,
} from './consumer/consumer-heartbeat.ts';
import {
  type DescribedConsumerGroup,
  describeConsumerGroup,
} from './consumer/describe-consumer-group.ts';
import { assignorNames } from './consumer/target-assignment.ts';
import { assertValidHeartbeat } from './consumer/validate-heartbeat.ts';
import type { GroupMachine } from './group-machine.ts';
import { GroupShard } from './group-shard.ts';
import {
  type DescribedGroup,
  describeGroup,
  type GroupFilter,
  type ListedGroup,
  listGroups,
} from './group-views.ts';
import type { TransactionalCommitRequest } from './offsets/commit-in-transaction.ts';
import type { CommitRequest, CommittedTopic } from './offsets/commit-offsets.ts';
import type { FetchedTopic, WantedTopic } from './offsets/fetch-offsets.ts';
import type { DeletedTopic, DeleteTopic } from './offsets/forget-offsets.ts';
import {
  type FetchingMember,
  onCommit,
  onDeleteOffsets,
  onFetch,
} from './offsets/offset-requests.ts';
import type { Outcome } from './outcome.ts';

export interface GroupCoordinatorOptions {
  readonly controller: Controller;
  readonly replicas: Replicas;
  readonly config: () => BrokerConfig;
  /** An invariant is broken: the process must not go on. */
  readonly onBug: (error: Error) => void;
}

export class GroupCoordinator {
  readonly #io: Io;
  readonly #options: GroupCoordinatorOptions;
  readonly #shards = new Map<number, GroupShard>();
  #creating: Promise<void> | null = null;

  constructor(io: Io, options: GroupCoordinatorOptions) {
    this.#io = io;
    this.#options = options;
  }

  /** Loads what this broker leads; requests are told to wait meanwhile. */
  start(): void {
    this.#reconcile();
  }

  /** The image of `replicas` has moved on by these changes. */
  onImage(changes: ImageChanges): void {
    const topic = this.#options.replicas.image.topic(OFFSETS_TOPIC);
    const isOurs =
      topic === undefined
        ? this.#shards.size > 0
        : changes.topicsCreated.has(topic.id) || changes.topicsChanged.has(topic.id);
    if (isOurs) this.#reconcile();
    if (changes.topicsDeleted.size === 0) return;
    const deleted = [...changes.topicsDeleted.values()];
    for (const shard of this.#shards.values()) shard.onTopicsDeleted(deleted);
  }

  /** Parked requests are answered, so that their clients look for another coordinator. */
  close(): void {
    for (const shard of this.#shards.values()) shard.close(new KafkaError('NOT_COORDINATOR'));
    this.#shards.clear();
  }

  /**
   * The node that coordinates the group; makes the topic when nobody ever asked before.
   * @throws KafkaError COORDINATOR_NOT_AVAILABLE
   */
  async coordinatorOf(groupId: string): Promise<number> {
    const { replicas } = this.#options;
    if (replicas.image.topic(OFFSETS_TOPIC) === undefined) await this.#createTopic();
    const topic = replicas.image.topic(OFFSETS_TOPIC);
    const index = javaHashBucket(groupId, topic?.partitions.length ?? 1);
    const leader = topic?.partitions[index]?.leader ?? -1;
    if (leader < 0) throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
    return leader;
  }

  /** Everybody who asks at the same time waits for the same topic. */
  async #createTopic(): Promise<void> {
    const { controller, replicas, config } = this.#options;
    const create = async (): Promise<void> => {
      await createOffsetsTopic(controller, config(), replicas.image);
      await replicas.settled();
      this.#reconcile();
      await Promise.all([...this.#shards.values()].map((shard) => shard.loaded));
    };
    this.#creating ??= create().finally(() => {
      this.#creating = null;
    });
    await this.#creating;
  }

  #reconcile(): void {
    const { replicas, config, onBug } = this.#options;
    const count = replicas.image.topic(OFFSETS_TOPIC)?.partitions.length ?? 0;
    for (const [index, shard] of this.#shards) {
      const partition = replicas.get(OFFSETS_TOPIC, index);
      const isSame = partition?.isLeader === true && partition.leaderEpoch === shard.leaderEpoch;
      if (isSame) continue;
      shard.close(new KafkaError('NOT_COORDINATOR'));
      this.#shards.delete(index);
    }
    for (let index = 0; index < count; index++) {
      const partition = replicas.get(OFFSETS_TOPIC, index);
      if (partition?.isLeader !== true || this.#shards.has(index)) continue;
      const image = () => replicas.image;
      const shard = new GroupShard(this.#io, { partition, config, image, onBug });
      this.#shards.set(index, shard);
      shard.start();
    }
  }

  /**
   * Decides in the machine that has the group.
   * @throws KafkaError NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS
   */
  async decide<T>(
    groupId: string,
    decide: (machine: GroupMachine, outcome: Outcome) => T | Promise<T>,
  ): Promise<T> {
    const topic = this.#options.replicas.image.topic(OFFSETS_TOPIC);
    const shard = this.#shards.get(javaHashBucket(groupId, topic?.partitions.length ?? 1));
    if (shard === undefined) throw new KafkaError('NOT_COORDINATOR');
    return await shard.decide(decide);
  }

  async joinGroup(join: JoinContext): Promise<JoinAnswer> {
    const { groupId } = join.request;
    assertGroupId(groupId);
    return await this.decide(groupId, (machine, outcome) =>
      joinClassicGroup(machine, join, outcome),
    );
  }

  async syncGroup(request: SyncGroupRequest): Promise<SyncAnswer> {
    assertGroupId(request.groupId);
    return await this.decide(request.groupId, (machine, outcome) =>
      syncClassicGroup(machine, request, outcome),
    );
  }

  async heartbeat(request: HeartbeatRequest): Promise<void> {
    assertGroupId(request.groupId);
    try {
      await this.decide(request.groupId, (machine) => heartbeatClassicGroup(machine, request));
    } catch (error) {
      // Nobody knows yet whether it is a member: it will hear when the groups are loaded.
      const isLoading =
        error instanceof KafkaError && error.errorName === 'COORDINATOR_LOAD_IN_PROGRESS';
      if (!isLoading) throw error;
    }
  }

  async leaveGroup(request: LeaveGroupRequest, apiVersion: number): Promise<LeaveAnswer> {
    assertGroupId(request.groupId);
    return await this.decide(request.groupId, (machine, outcome) =>
      leaveClassicGroup(machine, { request, apiVersion }, outcome),
    );
  }

  async consumerGroupHeartbeat(
    heartbeat: ConsumerHeartbeatContext & { readonly apiVersion: number },
  ): Promise<ConsumerHeartbeatAnswer> {
    const { request, apiVersion } = heartbeat;
    const assignors = assignorNames(this.#options.config());
    assertValidHeartbeat(request, { apiVersion, assignors });
    return await this.decide(request.groupId, (machine, outcome) =>
      onConsumerHeartbeat(machine, heartbeat, outcome),
    );
  }

  async describeConsumerGroup(groupId: string): Promise<DescribedConsumerGroup> {
    return await this.decide(groupId, (machine) => describeConsumerGroup(machine, groupId));
  }

  async commitOffsets(request: CommitRequest): Promise<CommittedTopic[]> {
    return await this.decide(request.groupId, (machine, outcome) =>
      onCommit(machine, request, outcome),
    );
  }

  /**
   * Writes offsets that count once the transaction of the producer commits. The transaction has
   * the partition of the group already: who calls has asked the transaction coordinator.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, and as for other commits
   */
  async commitTransactionalOffsets(request: TransactionalCommitRequest): Promise<CommittedTopic[]> {
    throw new KafkaError('UNSUPPORTED_VERSION', request.groupId);
  }

  /**
   * Ends a transaction in a partition of __consumer_offsets; resolves when it is replicated.
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER, COORDINATOR_LOAD_IN_PROGRESS,
   * INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED
   */
  async writeTransactionMarker(partitionIndex: number, marker: EndMarker): Promise<void> {
    throw new KafkaError('UNSUPPORTED_VERSION', `${partitionIndex} ${marker.producerId}`);
  }

  async fetchOffsets(
    groupId: string,
    topics: readonly WantedTopic[] | null,
    member: FetchingMember = { memberId: null, memberEpoch: -1 },
  ): Promise<FetchedTopic[]> {
    return await this.decide(groupId, (machine) => onFetch(machine, { groupId, topics, member }));
  }

  async deleteOffsets(groupId: string, topics: readonly DeleteTopic[]): Promise<DeletedTopic[]> {
    return await this.decide(groupId, (machine, outcome) =>
      onDeleteOffsets(machine, { groupId, topics }, outcome),
    );
  }

  async describeGroup(groupId: string, isErrorWhenMissing: boolean): Promise<DescribedGroup> {
    return await this.decide(groupId, (machine) =>
      describeGroup(machine, groupId, isErrorWhenMissing),
    );
  }

  /** The code of the error, or 0. */
  async deleteGroup(groupId: string): Promise<number> {
    return await this.decide(groupId, (machine, outcome) => machine.deleteGroup(groupId, outcome));
  }

  /** The groups of every partition that this broker leads. */
  async listGroups(filter: GroupFilter): Promise<ListedGroup[]> {
    const lists = [...this.#shards.values()].map((shard) =>
      shard.decide((machine) => listGroups(machine, filter)),
    );
    return (await Promise.all(lists)).flat();
  }
}
