// What the admin client's calls about groups take and give.

import type { KafkaError } from '../../protocol/index.ts';
import type { CoordinatorAddress } from '../coordinator-requests.ts';
import type { TopicPartition } from '../leader-requests.ts';

/** Kafka's names: Stable, Empty, Dead, PreparingRebalance, CompletingRebalance, Assigning … */
export type GroupState = string;
/** `classic`, `consumer` (KIP-848), `share`, `streams`; empty if an old broker did not say. */
export type GroupType = string;

export interface GroupListing {
  readonly groupId: string;
  /** `consumer` for groups of consumers; empty for one that only stores offsets. */
  readonly protocolType: string;
  /** Empty if the broker is older than 2.6. */
  readonly state: GroupState;
  readonly type: GroupType;
}

export interface ListedGroups {
  readonly groups: readonly GroupListing[];
  /** Brokers that could not be asked: their groups are missing. */
  readonly failures: readonly { readonly nodeId: number; readonly error: KafkaError }[];
}

export interface GroupMemberDescription {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  readonly rackId: string | null;
  readonly subscribedTopics: readonly string[];
  readonly subscribedTopicRegex: string | null;
  readonly assignment: readonly TopicPartition[];
  /** What it should own; null in a classic group. */
  readonly targetAssignment: readonly TopicPartition[] | null;
  /** null in a classic group. */
  readonly memberEpoch: number | null;
  /** Whether a member of a consumer group uses the consumer protocol; null: unknown, classic. */
  readonly isUpgraded: boolean | null;
}

export interface GroupResult {
  readonly groupId: string;
  readonly error: KafkaError | null;
}

export interface GroupDescription extends GroupResult {
  readonly type: GroupType;
  readonly protocolType: string;
  readonly state: GroupState;
  /** The assignor's name; empty while there is none. */
  readonly assignor: string;
  readonly members: readonly GroupMemberDescription[];
  readonly coordinator: CoordinatorAddress | null;
  /** null in a classic group. */
  readonly groupEpoch: number | null;
  readonly targetAssignmentEpoch: number | null;
  /** A set of bits by operation; -2147483648 when not asked for. */
  readonly authorizedOperations: number;
}

export interface GroupOffset extends TopicPartition {
  readonly error: KafkaError | null;
  /** -1: nothing is committed. */
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface GroupPartitionResult extends TopicPartition {
  readonly error: KafkaError | null;
}

/** A static member by its instance id, or any member by its member id. */
export type MemberToRemove = { readonly groupInstanceId: string } | { readonly memberId: string };

export interface RemovedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly error: KafkaError | null;
}
