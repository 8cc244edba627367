// What the calls of ClusterRequests take and give.

import type { Uuid } from '../../base/uuid.ts';
import type { KafkaError } from '../../protocol/index.ts';
import type { TopicPartition } from '../leader-requests.ts';
import type { BrokerNode } from '../metadata-cache.ts';

export interface PartitionResult extends TopicPartition {
  readonly error: KafkaError | null;
}

export type ElectionType = 'preferred' | 'unclean';

export interface Reassignment extends TopicPartition {
  /** Broker ids; null cancels the reassignment under way. */
  readonly replicas: readonly number[] | null;
}

export interface ReassignmentUnderWay extends TopicPartition {
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

export interface LogDirectoryReplica extends TopicPartition {
  readonly sizeBytes: number;
  readonly offsetLag: number;
  /** A copy that will take the place of the replica in another directory. */
  readonly isFuture: boolean;
}

export interface LogDirectoryDescription {
  readonly nodeId: number;
  readonly path: string;
  readonly error: KafkaError | null;
  readonly replicas: readonly LogDirectoryReplica[];
  /** -1 when an old broker did not say. */
  readonly totalBytes: number;
  readonly usableBytes: number;
}

export interface ReplicaMove extends TopicPartition {
  readonly nodeId: number;
  readonly path: string;
}

export interface ReplicaMoveResult extends ReplicaMove {
  readonly error: KafkaError | null;
}

export interface FeatureDescription {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly finalizedLevel: number;
}

export interface FeaturesDescription {
  readonly features: readonly FeatureDescription[];
  /** -1: not known. */
  readonly epoch: number;
}

export interface FeatureUpdate {
  readonly feature: string;
  readonly maxVersionLevel: number;
  readonly upgradeType: 'upgrade' | 'safe-downgrade' | 'unsafe-downgrade';
}

export interface QuorumReplica {
  readonly replicaId: number;
  readonly directoryId: Uuid;
  readonly logEndOffset: number;
  /** Milliseconds since 1970; -1: not known. */
  readonly lastFetchTimestamp: number;
  readonly lastCaughtUpTimestamp: number;
}

export interface QuorumDescription {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly voters: readonly QuorumReplica[];
  readonly observers: readonly QuorumReplica[];
  readonly endpoints: ReadonlyMap<
    number,
    readonly { readonly name: string; readonly host: string; readonly port: number }[]
  >;
}

export interface ApiRange {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface BrokerApis extends BrokerNode {
  readonly apis: readonly ApiRange[];
}

export interface EndpointDescription extends BrokerNode {
  readonly isFenced: boolean;
}
