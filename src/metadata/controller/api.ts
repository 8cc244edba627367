// What can be asked of the controller, in plain values: handlers translate wire messages to these
// and back. Requests and results can cross a wire: they hold what structuredClone keeps as it is.
// Every method of Controller resolves when what it decided is committed and this
// process's image shows it; it rejects only when the whole request failed (NOT_CONTROLLER when the
// controller moved or its log could not be written). What is wrong with one item of a request is
// in that item's result: `error` is null when the item succeeded.

import type { Uuid } from '../../base/uuid.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { AclBinding, AclFilter } from '../../security/acl/index.ts';
import type { DelegationToken } from '../../security/tokens/index.ts';
import type {
  ConfigResource,
  Endpoint,
  FeatureRange,
  PartitionImage,
  QuotaEntity,
} from '../image.ts';

/** A KafkaError as plain values. */
export interface ItemError {
  readonly code: number;
  readonly message: string;
}

export interface ItemResult {
  readonly error: ItemError | null;
}

/** The result of an item whose decision threw; what is no KafkaError is a bug and is thrown on. */
export function itemError(error: unknown): ItemError {
  if (!(error instanceof KafkaError)) throw error;
  return { code: error.code, message: error.message };
}

export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
}

export interface PartitionAssignment {
  readonly partitionIndex: number;
  readonly brokerIds: readonly number[];
}

/**
 * How much a client may still change (KIP-599). The broker that the client speaks to keeps its
 * account and charges it what the results say, so that the controller needs to know no client.
 */
export interface LimitedMutations {
  /**
   * Partitions that may be created or deleted before the next topic is refused with
   * THROTTLING_QUOTA_EXCEEDED: the topic that passes the bound is the last one that is served.
   * Below 0 none is. Default: no bound.
   */
  readonly partitionMutationsMax?: number | undefined;
}

/**
 * Counts, topic by topic, what one request may still change: the topics that are served are those
 * that would be if the client's account were asked before each of them.
 */
export class MutationLimit {
  readonly #partitionsMax: number;
  #partitions = 0;

  constructor({ partitionMutationsMax }: LimitedMutations) {
    this.#partitionsMax = partitionMutationsMax ?? Number.POSITIVE_INFINITY;
  }

  /** @throws KafkaError THROTTLING_QUOTA_EXCEEDED when the topics before used up what was left */
  take(partitions: number): void {
    if (this.#partitions > this.#partitionsMax) {
      throw new KafkaError('THROTTLING_QUOTA_EXCEEDED', 'The throttling quota has been exceeded.');
    }
    this.#partitions += partitions;
  }
}

export interface MutationResult extends ItemResult {
  /** The partitions that the client is charged for; 0 when it was refused before that. */
  readonly partitionMutations: number;
}

export interface CreateTopicsRequest extends LimitedMutations {
  readonly topics: readonly CreatableTopic[];
  readonly validateOnly?: boolean;
}

export interface CreatableTopic {
  readonly name: string;
  /** -1 (the default): num.partitions, or as many as `assignments` has. */
  readonly partitionCount?: number;
  /** -1 (the default): default.replication.factor, or as `assignments` has. */
  readonly replicationFactor?: number;
  readonly assignments?: readonly PartitionAssignment[];
  readonly configs?: readonly ConfigEntry[];
}

export interface CreateTopicResult extends MutationResult {
  readonly name: string;
  /** ZERO_UUID on error, and when only validating. */
  readonly topicId: Uuid;
  /** -1 on error. */
  readonly partitionCount: number;
  readonly replicationFactor: number;
  /** The overrides the topic was given. */
  readonly configs: ReadonlyMap<string, string>;
}

/** Exactly one of name and id. */
export type TopicReference =
  | { readonly name: string; readonly id?: undefined }
  | { readonly name?: undefined; readonly id: Uuid };

export interface DeleteTopicsRequest extends LimitedMutations {
  readonly topics: readonly TopicReference[];
}

export interface DeleteTopicResult extends MutationResult {
  /** null when the topic was named by an id that nobody has. */
  readonly name: string | null;
  readonly id: Uuid;
}

export interface CreatePartitionsRequest extends LimitedMutations {
  readonly topics: readonly PartitionsIncrease[];
  readonly validateOnly?: boolean;
}

export interface PartitionsIncrease {
  readonly name: string;
  /** The new total. */
  readonly count: number;
  /** Replicas of each new partition, in order; null lets the controller place them. */
  readonly assignments?: readonly (readonly number[])[] | null;
}

export interface CreatePartitionsResult extends MutationResult {
  readonly name: string;
}

export interface AlterConfigsRequest {
  readonly resources: readonly (ConfigResource & { readonly configs: readonly ConfigEntry[] })[];
  readonly validateOnly?: boolean;
}

/** As Kafka numbers them in IncrementalAlterConfigs. */
export const AlterConfigOp = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface IncrementalAlterConfigsRequest {
  readonly resources: readonly (ConfigResource & { readonly ops: readonly ConfigOp[] })[];
  readonly validateOnly?: boolean;
}

export interface ConfigOp extends ConfigEntry {
  /** One of AlterConfigOp. */
  readonly op: number;
}

export interface AlterConfigsResult extends ItemResult, ConfigResource {}

export interface AllocateProducerIdsRequest {
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

export interface ProducerIdBlock {
  readonly firstProducerId: number;
  readonly count: number;
}

export interface RegisterBrokerRequest {
  readonly brokerId: number;
  readonly clusterId: string;
  readonly incarnationId: Uuid;
  readonly listeners: readonly Endpoint[];
  readonly features?: ReadonlyMap<string, FeatureRange>;
  readonly rack?: string | null;
  readonly logDirs?: readonly Uuid[];
  /** false serves at once, without a first heartbeat; default true, as in Kafka. */
  readonly fenced?: boolean;
  /**
   * The broker epoch of the life before, if that life ended cleanly: the logs are whole. Of the
   * process that is registered already, its present epoch: it asks for a new one, because its
   * session ended. Any other (default -1): what the life before had not synced may be lost.
   */
  readonly previousBrokerEpoch?: number;
  /**
   * For a cluster of one process, which names no epoch: the process before left its logs complete.
   * When it did not (the default), the leader epoch of each partition that this broker leads
   * grows, so that consumers notice a log that lost its unsynced tail (KIP-320).
   */
  readonly wasCleanShutdown?: boolean;
}

export interface RegisterBrokerResult {
  readonly brokerEpoch: number;
}

export interface BrokerHeartbeatRequest {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** The last record that the broker has replayed; it is unfenced when it has caught up. */
  readonly currentMetadataOffset: number;
  readonly wantFence?: boolean;
  readonly wantShutDown?: boolean;
  /** Log directories of it that failed in this life (KIP-858). */
  readonly offlineLogDirs?: readonly Uuid[];
}

export interface BrokerHeartbeatResult {
  readonly isCaughtUp: boolean;
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
}

/** Whoever controls, and how far each broker that it has heard of in its term is. */
export interface MetadataProgress {
  readonly controllerId: number;
  readonly controllerEpoch: number;
  /** Of the metadata log. */
  readonly endOffset: number;
  /** Of the controller's clock, as all times here. */
  readonly nowMs: number;
  readonly brokers: readonly BrokerProgress[];
}

export interface BrokerProgress {
  readonly brokerId: number;
  /** The last record that the broker had replayed at its newest heartbeat. */
  readonly metadataOffset: number;
  readonly heardMs: number;
  /** When a heartbeat last said that nothing was missing; -1: in this term none has. */
  readonly caughtUpMs: number;
}

export interface AlterPartitionRequest {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly partitions: readonly PartitionAlteration[];
}

export interface PartitionAlteration {
  readonly topicId: Uuid;
  readonly partitionIndex: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  /** `brokerEpoch` is that of the life in which the replica fetched (KIP-903); -1: not checked. */
  readonly newIsr: readonly { readonly brokerId: number; readonly brokerEpoch: number }[];
  /** 1: a leader that was elected uncleanly has not recovered yet. Default 0, as on the wire. */
  readonly leaderRecoveryState?: 0 | 1;
}

export interface AlterPartitionResult extends ItemResult {
  readonly topicId: Uuid;
  readonly partitionIndex: number;
  /** As it is after the request; null on error. */
  readonly partition: AlteredPartition | null;
}

/** What a leader has to know of its partition. */
export type AlteredPartition = Pick<
  PartitionImage,
  'leader' | 'leaderEpoch' | 'partitionEpoch' | 'isr' | 'leaderRecoveryState'
>;

export interface ElectLeadersRequest {
  readonly type: 'preferred' | 'unclean';
  /** null: every partition that could have a better leader. */
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[] | null;
}

export interface ElectLeadersResult extends ItemResult {
  readonly topic: string;
  readonly partition: number;
}

export interface AlterReassignmentsRequest {
  readonly partitions: readonly PartitionReassignment[];
  /** Default true. */
  readonly allowReplicationFactorChange?: boolean;
}

export interface PartitionReassignment {
  readonly topic: string;
  readonly partition: number;
  /** null cancels the reassignment under way. */
  readonly replicas: readonly number[] | null;
}

export interface AlterReassignmentsResult extends ItemResult {
  readonly topic: string;
  readonly partition: number;
}

export interface ReportOfflineRequest {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly partitions: readonly { readonly topicId: Uuid; readonly partitionIndex: number }[];
}

/** Where the replicas of a broker lie (AssignReplicasToDirs, KIP-858). */
export interface AssignReplicasRequest {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly replicas: readonly ReplicaInDirectory[];
}

export interface ReplicaInDirectory {
  readonly topicId: Uuid;
  readonly partitionIndex: number;
  /** One that is not registered has failed: the replica leaves the ISR. */
  readonly directoryId: Uuid;
}

export interface AssignReplicasResult extends ItemResult {
  readonly topicId: Uuid;
  readonly partitionIndex: number;
}

export interface AlterClientQuotasRequest {
  readonly entries: readonly QuotaAlteration[];
  readonly validateOnly?: boolean;
}

export interface QuotaAlteration {
  readonly entity: QuotaEntity;
  readonly ops: readonly { readonly key: string; readonly value: number | null }[];
}

export interface AlterClientQuotasResult extends ItemResult {
  readonly entity: QuotaEntity;
}

export interface AlterScramRequest {
  readonly deletions: readonly ScramDeletion[];
  readonly upsertions: readonly ScramUpsertion[];
}

export interface ScramDeletion {
  readonly user: string;
  /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
  readonly mechanism: number;
}

export interface ScramUpsertion extends ScramDeletion {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly saltedPassword: Uint8Array;
}

export interface AlterScramResult extends ItemResult {
  readonly user: string;
}

export interface CreateAclsRequest {
  readonly acls: readonly AclBinding[];
}

export interface DeleteAclsRequest {
  readonly filters: readonly AclFilter[];
}

export interface DeleteAclsResult extends ItemResult {
  /** What the filter found and is gone. */
  readonly acls: readonly AclBinding[];
}

/** Who asks about a token, as `TYPE:NAME`. */
export interface TokenRequest {
  readonly principal: string;
}

export interface CreateTokenRequest extends TokenRequest {
  readonly owner: string;
  readonly renewers: readonly string[];
  /** 0 and less: as long as is allowed. */
  readonly maxLifetimeMs: number;
}

export interface CreateTokenResult {
  readonly token: DelegationToken;
  /** The secret of the token. */
  readonly hmac: Uint8Array;
}

export interface RenewTokenRequest extends TokenRequest {
  readonly hmac: Uint8Array;
  /** 0 and less: as long as is allowed. */
  readonly renewPeriodMs: number;
}

export interface ExpireTokenRequest extends TokenRequest {
  readonly hmac: Uint8Array;
  /** Below 0: at once. */
  readonly expiryTimePeriodMs: number;
}

export interface TokenExpiry {
  readonly expirationTimestamp: number;
}

export interface UpdateFeaturesRequest {
  readonly updates: readonly FeatureUpdate[];
  readonly validateOnly?: boolean;
}

export interface FeatureUpdate {
  readonly feature: string;
  /** 0 deletes. */
  readonly maxVersionLevel: number;
  readonly upgradeType: 'upgrade' | 'safe-downgrade' | 'unsafe-downgrade';
}

export interface UpdateFeaturesResult extends ItemResult {
  readonly feature: string;
}

export interface Controller {
  createTopics(request: CreateTopicsRequest): Promise<CreateTopicResult[]>;
  deleteTopics(request: DeleteTopicsRequest): Promise<DeleteTopicResult[]>;
  createPartitions(request: CreatePartitionsRequest): Promise<CreatePartitionsResult[]>;
  /** The legacy full replacement of each resource's overrides. */
  alterConfigs(request: AlterConfigsRequest): Promise<AlterConfigsResult[]>;
  incrementalAlterConfigs(request: IncrementalAlterConfigsRequest): Promise<AlterConfigsResult[]>;
  /** Rejects with STALE_BROKER_EPOCH for a broker that is not registered with this epoch. */
  allocateProducerIds(request: AllocateProducerIdsRequest): Promise<ProducerIdBlock>;
  registerBroker(request: RegisterBrokerRequest): Promise<RegisterBrokerResult>;
  unregisterBroker(brokerId: number): Promise<void>;
  brokerHeartbeat(request: BrokerHeartbeatRequest): Promise<BrokerHeartbeatResult>;
  /** A question: nothing is decided. */
  metadataProgress(request: Record<string, never>): Promise<MetadataProgress>;
  alterPartition(request: AlterPartitionRequest): Promise<AlterPartitionResult[]>;
  electLeaders(request: ElectLeadersRequest): Promise<ElectLeadersResult[]>;
  alterReassignments(request: AlterReassignmentsRequest): Promise<AlterReassignmentsResult[]>;
  assignReplicasToDirs(request: AssignReplicasRequest): Promise<AssignReplicasResult[]>;
  /** The broker's disk under these replicas failed: others lead, or nobody. */
  reportOffline(request: ReportOfflineRequest): Promise<void>;
  alterClientQuotas(request: AlterClientQuotasRequest): Promise<AlterClientQuotasResult[]>;
  alterScramCredentials(request: AlterScramRequest): Promise<AlterScramResult[]>;
  /** One result for each ACL; one that is there already is a success. */
  createAcls(request: CreateAclsRequest): Promise<ItemResult[]>;
  deleteAcls(request: DeleteAclsRequest): Promise<DeleteAclsResult[]>;
  /** Rejects with DELEGATION_TOKEN_AUTH_DISABLED, INVALID_PRINCIPAL_TYPE. */
  createToken(request: CreateTokenRequest): Promise<CreateTokenResult>;
  /** Rejects with DELEGATION_TOKEN_AUTH_DISABLED, …_NOT_FOUND, …_EXPIRED, …_OWNER_MISMATCH. */
  renewToken(request: RenewTokenRequest): Promise<TokenExpiry>;
  expireToken(request: ExpireTokenRequest): Promise<TokenExpiry>;
  updateFeatures(request: UpdateFeaturesRequest): Promise<UpdateFeaturesResult[]>;
}
