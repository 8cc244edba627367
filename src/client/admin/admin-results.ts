// What the admin client takes and gives.

import type { Uuid } from '../../base/uuid.ts';
import { ErrorCode, KafkaError } from '../../protocol/index.ts';
import type { TopicPartition } from '../leader-requests.ts';
import type { BrokerNode } from '../metadata-cache.ts';

export interface NewTopic {
  readonly name: string;
  /** Default: the broker's num.partitions. */
  readonly numPartitions?: number;
  /** Default: the broker's default.replication.factor. */
  readonly replicationFactor?: number;
  /** Broker ids by partition, the preferred leader first; instead of the two above. */
  readonly assignments?: readonly (readonly number[])[];
  readonly configs?: Readonly<Record<string, string>>;
}

export interface NewPartitions {
  readonly name: string;
  /** The count afterwards. */
  readonly totalCount: number;
  /** Broker ids of the new partitions only. */
  readonly newAssignments?: readonly (readonly number[])[];
}

export interface TopicResult {
  readonly name: string;
  readonly error: KafkaError | null;
}

export interface CreatedTopic extends TopicResult {
  readonly topicId: Uuid;
  /** -1 when an old broker did not say. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
}

export interface TopicListing {
  readonly name: string;
  readonly topicId: Uuid;
  readonly isInternal: boolean;
}

export interface PartitionDescription {
  readonly partition: number;
  /** -1: none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly offlineReplicas: readonly number[];
  /** KIP-966; null when the broker is too old to tell. */
  readonly eligibleLeaderReplicas: readonly number[] | null;
  readonly lastKnownElr: readonly number[] | null;
}

export interface TopicDescription extends TopicResult, TopicListing {
  readonly partitions: readonly PartitionDescription[];
  /** A set of bits by operation; -2147483648 when not asked for. */
  readonly authorizedOperations: number;
}

export interface ClusterDescription {
  readonly clusterId: string;
  /** -1: none. */
  readonly controllerId: number;
  readonly nodes: readonly BrokerNode[];
}

/** The numbers that the protocol has for them. */
export const ConfigResourceType = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const;
export type ConfigResourceType = keyof typeof ConfigResourceType;

export interface ConfigResource {
  readonly type: ConfigResourceType;
  /** A topic's name, a broker's id; empty for the default of all brokers. */
  readonly name: string;
}

/** Only these configs; default all. */
export interface ConfigQuery extends ConfigResource {
  readonly keys?: readonly string[];
}

/**
 * What may be done to a config, with its number in the protocol; append and subtract are for lists.
 */
export const ConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export interface ConfigAlteration {
  readonly name: string;
  readonly operation: keyof typeof ConfigOperation;
  /** Absent for delete. */
  readonly value?: string | null;
}

export interface ConfigResourceAlteration extends ConfigResource {
  readonly configs: readonly ConfigAlteration[];
}

export interface ConfigResourceResult extends ConfigResource {
  readonly error: KafkaError | null;
}

/** The protocol's numbers for where a value comes from. */
export const configSources = [
  'UNKNOWN',
  'DYNAMIC_TOPIC_CONFIG',
  'DYNAMIC_BROKER_CONFIG',
  'DYNAMIC_DEFAULT_BROKER_CONFIG',
  'STATIC_BROKER_CONFIG',
  'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG',
  'DYNAMIC_CLIENT_METRICS_CONFIG',
  'DYNAMIC_GROUP_CONFIG',
] as const;
export type ConfigSource = (typeof configSources)[number];

export interface ConfigEntry {
  readonly name: string;
  /** null when there is none, or when it is sensitive. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  readonly documentation: string | null;
  /** Where the value could come from, the winner first. */
  readonly synonyms: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly source: ConfigSource;
  }[];
}

export interface ConfigResourceDescription extends ConfigResourceResult {
  readonly configs: readonly ConfigEntry[];
}

export interface DeletedRecords extends TopicPartition {
  readonly error: KafkaError | null;
  /** The first offset that is left. */
  readonly lowWatermark: number;
}

export interface ListedOffset extends TopicPartition {
  readonly error: KafkaError | null;
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/** @internal The error of a code; null for none. */
export function errorOf(code: number, message: string | null): KafkaError | null {
  return code === ErrorCode.NONE ? null : KafkaError.fromCode(code, message);
}
