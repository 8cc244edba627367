// The coordinator of the groups of this broker: finds the shard that has a group, one per partition
// of __consumer_offsets that this broker leads, and hands requests to it.

import type { BrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import type { Controller, ImageChanges } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { Replicas } from '../../replication/index.ts';
import type { EndMarker, TransactionVerification } from '../../storage/index.ts';
import { InternalTopicShards } from '../internal-topic-shards.ts';
import { OFFSETS_TOPIC, offsetsTopic } from '../internal-topics.ts';
import type {
  HeartbeatRequest,
  Join,
  JoinAnswer,
  LeaveAnswer,
  LeaveGroupRequest,
  SyncAnswer,
  SyncGroupRequest,
} from './classic/index.ts';
import {
  assertValidHeartbeat,
  assignorNames,
  type ConsumerHeartbeat,
  type ConsumerHeartbeatAnswer,
  type DescribedConsumerGroup,
} from './consumer/index.ts';
import { stringBytesMax } from './group-record.ts';
import { GroupShard } from './group-shard.ts';
import type {
  CommitRequest,
  CommittedTopic,
  DeletedTopic,
  DeleteTopic,
  FetchedTopic,
  TransactionalCommitRequest,
  WantedTopic,
} from './offsets/index.ts';
import {
  onConsumerHeartbeat,
  onHeartbeat,
  onJoin,
  onLeave,
  onSync,
} from './requests/member-requests.ts';
import {
  type FetchingMember,
  onCommit,
  onDeleteOffsets,
  onEndOfTransaction,
  onFetch,
  onTransactionalCommit,
} from './requests/offset-requests.ts';
import {
  type DescribedGroup,
  describeGroup,
  type GroupFilter,
  type ListedGroup,
  listGroups,
  onDescribeConsumerGroup,
} from './requests/view-requests.ts';

export interface GroupCoordinatorOptions {
  readonly controller: Controller;
  readonly replicas: Replicas;
  readonly config: () => BrokerConfig;
  /** Not a member of a cluster. Default true. */
  readonly isAlone?: boolean;
  /** An invariant is broken: the process must not go on. */
  readonly onBug: (error: Error) => void;
}

interface FetchOptions {
  readonly member?: FetchingMember;
  /** What an open transaction is about to replace is UNSTABLE_OFFSET_COMMIT. */
  readonly requireStable?: boolean;
}

interface EnteredPartition {
  readonly topic: string;
  readonly partition: number;
}

const nobody: FetchingMember = { memberId: null, memberEpoch: -1 };
/** Of TxnOffsetCommit: its producers begin each transaction with another epoch (KIP-890). */
const ownEpochVersionMin = 5;
const missing: ReadonlySet<string> = new Set([
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
]);

export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions;
  readonly #shards: InternalTopicShards<GroupShard>;

  constructor(io: Io, options: GroupCoordinatorOptions) {
    this.#options = options;
    const { replicas, config, onBug } = options;
    const image = () => replicas.image;
    this.#shards = new InternalTopicShards({
      ...options,
      topic: OFFSETS_TOPIC,
      topicOf: offsetsTopic,
      newShard: (partition) => new GroupShard(io, { partition, config, image, onBug }),
    });
  }

  /** Loads what this broker leads; requests are told to wait meanwhile. */
  start(): void {
    this.#shards.start();
  }

  /** The image of `replicas` has moved on by these changes. */
  onImage(changes: ImageChanges): void {
    this.#shards.onImage(changes);
    if (changes.topicsDeleted.size === 0) return;
    const deleted = [...changes.topicsDeleted.values()];
    for (const shard of this.#shards) shard.onTopicsDeleted(deleted);
  }

  /** Parked requests are answered, so that their clients look for another coordinator. */
  close(): void {
    this.#shards.close();
  }

  /**
   * The node that coordinates the group; makes the topic when nobody ever asked before.
   * @throws KafkaError COORDINATOR_NOT_AVAILABLE
   */
  async coordinatorOf(groupId: string): Promise<number> {
    return await this.#shards.coordinatorOf(groupId);
  }

  /**
   * The partition that has the group.
   * @throws KafkaError NOT_COORDINATOR
   */
  shardOf(groupId: string): GroupShard {
    return this.#shards.of(groupId);
  }

  async joinGroup(join: Join): Promise<JoinAnswer> {
    const { groupId } = join.request;
    assertGroupId(groupId);
    return await this.shardOf(groupId).decide((table, outcome) => onJoin(table, join, outcome));
  }

  async syncGroup(request: SyncGroupRequest): Promise<SyncAnswer> {
    assertGroupId(request.groupId);
    return await this.shardOf(request.groupId).decide((table, outcome) =>
      onSync(table, request, outcome),
    );
  }

  async heartbeat(request: HeartbeatRequest): Promise<void> {
    assertGroupId(request.groupId);
    try {
      await this.shardOf(request.groupId).decide((table) => onHeartbeat(table, request));
    } catch (error) {
      // Nobody knows yet whether it is a member: it will hear when the groups are loaded.
      const isLoading =
        error instanceof KafkaError && error.errorName === 'COORDINATOR_LOAD_IN_PROGRESS';
      if (!isLoading) throw error;
    }
  }

  async leaveGroup(request: LeaveGroupRequest, apiVersion: number): Promise<LeaveAnswer> {
    assertGroupId(request.groupId);
    return await this.shardOf(request.groupId).decide((table, outcome) =>
      onLeave(table, { request, apiVersion }, outcome),
    );
  }

  async consumerGroupHeartbeat(
    heartbeat: ConsumerHeartbeat & { readonly apiVersion: number },
  ): Promise<ConsumerHeartbeatAnswer> {
    const { request, apiVersion } = heartbeat;
    const assignors = assignorNames(this.#options.config());
    assertValidHeartbeat(request, { apiVersion, assignors });
    return await this.shardOf(request.groupId).decide((table, outcome) =>
      onConsumerHeartbeat(table, heartbeat, outcome),
    );
  }

  async describeConsumerGroup(groupId: string): Promise<DescribedConsumerGroup> {
    return await this.shardOf(groupId).decide((table) => onDescribeConsumerGroup(table, groupId));
  }

  async commitOffsets(request: CommitRequest): Promise<CommittedTopic[]> {
    return await this.shardOf(request.groupId).decide((table, outcome) =>
      onCommit(table, request, outcome),
    );
  }

  /**
   * Writes offsets that count once the transaction of the producer commits. `enter` asks the
   * coordinator of the transaction, where it must be asked, for the partition of the group; it is
   * called before the first write of a transaction.
   * @throws KafkaError INVALID_GROUP_ID, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, what `enter`
   * throws, and as other commits do
   */
  async commitTransactionalOffsets(
    request: TransactionalCommitRequest,
    enter: ((partition: EnteredPartition) => Promise<void>) | null,
  ): Promise<CommittedTopic[]> {
    const { groupId, producerId, producerEpoch, apiVersion } = request;
    assertGroupId(groupId);
    let verification: TransactionVerification | null | undefined;
    if (enter !== null) {
      const hasOwnEpoch = apiVersion >= ownEpochVersionMin;
      const opening = { producerId, producerEpoch, baseSequence: -1, hasOwnEpoch };
      verification = this.shardOf(groupId).beginVerification(opening);
      const partition = this.#shards.indexOf(groupId);
      if (verification !== null) await enter({ topic: OFFSETS_TOPIC, partition });
    }
    return await this.shardOf(groupId).decide((table, outcome) =>
      onTransactionalCommit(table, { request, verification }, outcome),
    );
  }

  /**
   * Ends a transaction in a partition of __consumer_offsets; resolves when it is replicated.
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER (also while it is loaded), INVALID_PRODUCER_EPOCH,
   * TRANSACTION_COORDINATOR_FENCED
   */
  async writeTransactionMarker(partitionIndex: number, marker: EndMarker): Promise<void> {
    const shard = this.#shards.at(partitionIndex);
    if (shard === undefined) throw new KafkaError('NOT_LEADER_OR_FOLLOWER');
    try {
      await shard.decide((table, outcome) => onEndOfTransaction(table, marker, outcome));
    } catch (error) {
      // Those who send markers know the errors of partitions, not those of coordinators.
      const isMissing = error instanceof KafkaError && missing.has(error.errorName);
      throw isMissing ? new KafkaError('NOT_LEADER_OR_FOLLOWER', error.message) : error;
    }
  }

  async fetchOffsets(
    groupId: string,
    topics: readonly WantedTopic[] | null,
    { member = nobody, requireStable = false }: FetchOptions = {},
  ): Promise<FetchedTopic[]> {
    const fetching = { groupId, topics, member, requireStable };
    return await this.shardOf(groupId).decide((table) => onFetch(table, fetching));
  }

  async deleteOffsets(groupId: string, topics: readonly DeleteTopic[]): Promise<DeletedTopic[]> {
    return await this.shardOf(groupId).decide((table, outcome) =>
      onDeleteOffsets(table, { groupId, topics }, outcome),
    );
  }

  async describeGroup(groupId: string, isErrorWhenMissing: boolean): Promise<DescribedGroup> {
    return await this.shardOf(groupId).decide((table) =>
      describeGroup(table, groupId, isErrorWhenMissing),
    );
  }

  /** The code of the error, or 0. */
  async deleteGroup(groupId: string): Promise<number> {
    return await this.shardOf(groupId).decide((table, outcome) =>
      table.deleteGroup(groupId, outcome),
    );
  }

  /** The groups of every partition that this broker leads. */
  async listGroups(filter: GroupFilter): Promise<ListedGroup[]> {
    const lists = [...this.#shards].map((shard) =>
      shard.decide((table) => listGroups(table, filter)),
    );
    return (await Promise.all(lists)).flat();
  }
}

/** @throws KafkaError INVALID_GROUP_ID */
function assertGroupId(groupId: string): void {
  const isValid = groupId !== '' && Buffer.byteLength(groupId) <= stringBytesMax;
  if (!isValid) throw new KafkaError('INVALID_GROUP_ID');
}
