// The image: everything the metadata log says, as one immutable value. Brokers serve from it, the
// controller decides on it, and a snapshot is it written down. A newer image shares with the older
// one all that did not change (base/persistent-map.ts), so holding an image is free and comparing
// two parts of it by identity is a valid test for "unchanged".
//
// Invariant: nothing reachable from an image changes. Only delta.ts makes images.

import { PersistentMap } from '../base/persistent-map.ts';
import type { Uuid } from '../base/uuid.ts';
import type { DelegationToken } from '../security/tokens/index.ts';

/** Resource types as Kafka numbers them in config requests and ConfigRecord. */
export const ResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

export interface Endpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number;
}

export interface FeatureRange {
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface BrokerRegistration {
  readonly id: number;
  readonly epoch: number;
  readonly incarnationId: Uuid;
  readonly listeners: readonly Endpoint[];
  readonly features: ReadonlyMap<string, FeatureRange>;
  readonly rack: string | null;
  /** A fenced broker leads nothing, is in no ISR, and clients do not see it. */
  readonly fenced: boolean;
  /** On its way out: it serves, and leads nothing any more. */
  readonly inControlledShutdown: boolean;
  /** Its directories that work; none: it does not say. */
  readonly logDirs: readonly Uuid[];
}

export interface PartitionImage {
  /** In order of preference: the first is the preferred leader. */
  readonly replicas: readonly number[];
  /** The log directory of each replica, in the order of `replicas`. */
  readonly directories: readonly Uuid[];
  /** Who has everything below the high watermark and is counted for it; empty: see `leader`. */
  readonly isr: readonly number[];
  /** Left an ISR that was too small for the high watermark to move on without them (KIP-966). */
  readonly eligibleLeaderReplicas: readonly number[];
  /** With an empty ISR, who led last; Kafka may have noted others here. */
  readonly lastKnownElr: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
  /** -1 when nobody may lead. */
  readonly leader: number;
  /** Grows by one with every change of leader. */
  readonly leaderEpoch: number;
  /** Grows by one with every change of anything: the compare-and-set of AlterPartition. */
  readonly partitionEpoch: number;
  /** 1 after an unclean election until the new leader has caught up with itself. */
  readonly leaderRecoveryState: 0 | 1;
}

export interface TopicImage {
  readonly name: string;
  readonly id: Uuid;
  /** By partition index; dense from 0. */
  readonly partitions: readonly PartitionImage[];
}

export interface ConfigResource {
  readonly type: number;
  readonly name: string;
}

/** An entity such as {user: 'alice', 'client-id': null}; null is the default entity. */
export type QuotaEntity = Readonly<Record<string, string | null>>;

export interface QuotaImage {
  readonly entity: QuotaEntity;
  readonly values: ReadonlyMap<string, number>;
}

export interface ScramCredential {
  readonly user: string;
  /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
  readonly mechanism: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
  readonly iterations: number;
}

export interface AclEntry {
  readonly id: Uuid;
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

export interface ImageParts {
  readonly clusterId: string;
  /** Offset of the last record that is in the image; -1 when there is none. */
  readonly offset: number;
  /** What tells the batch of that record from others (cluster-store.ts); null: not known. */
  readonly lastBatch: string | null;
  readonly controllerId: number;
  readonly controllerEpoch: number;
  readonly brokers: PersistentMap<number, BrokerRegistration>;
  readonly topicsByName: PersistentMap<string, TopicImage>;
  readonly topicsById: PersistentMap<Uuid, TopicImage>;
  readonly partitionCount: number;
  readonly configs: PersistentMap<string, ReadonlyMap<string, string>>;
  readonly quotas: PersistentMap<string, QuotaImage>;
  readonly features: ReadonlyMap<string, number>;
  readonly nextProducerId: number;
  readonly scram: PersistentMap<string, ScramCredential>;
  readonly acls: PersistentMap<Uuid, AclEntry>;
  readonly tokens: PersistentMap<string, DelegationToken>;
}

const noConfigs: ReadonlyMap<string, string> = new Map();

export class MetadataImage implements ImageParts {
  readonly clusterId: string;
  readonly offset: number;
  readonly lastBatch: string | null;
  readonly controllerId: number;
  readonly controllerEpoch: number;
  readonly brokers: PersistentMap<number, BrokerRegistration>;
  readonly topicsByName: PersistentMap<string, TopicImage>;
  readonly topicsById: PersistentMap<Uuid, TopicImage>;
  /** Of all topics together. */
  readonly partitionCount: number;
  /** Overrides by `configKey(resource)`; no entry when a resource has none. */
  readonly configs: PersistentMap<string, ReadonlyMap<string, string>>;
  /** By `quotaKey(entity)`. */
  readonly quotas: PersistentMap<string, QuotaImage>;
  /** Finalized feature levels, such as metadata.version; absent means 0. */
  readonly features: ReadonlyMap<string, number>;
  readonly nextProducerId: number;
  /** By `mechanism/user`. */
  readonly scram: PersistentMap<string, ScramCredential>;
  readonly acls: PersistentMap<Uuid, AclEntry>;
  /** Delegation tokens by their ids. */
  readonly tokens: PersistentMap<string, DelegationToken>;

  constructor(parts: ImageParts) {
    this.clusterId = parts.clusterId;
    this.offset = parts.offset;
    this.lastBatch = parts.lastBatch;
    this.controllerId = parts.controllerId;
    this.controllerEpoch = parts.controllerEpoch;
    this.brokers = parts.brokers;
    this.topicsByName = parts.topicsByName;
    this.topicsById = parts.topicsById;
    this.partitionCount = parts.partitionCount;
    this.configs = parts.configs;
    this.quotas = parts.quotas;
    this.features = parts.features;
    this.nextProducerId = parts.nextProducerId;
    this.scram = parts.scram;
    this.acls = parts.acls;
    this.tokens = parts.tokens;
  }

  static empty(clusterId: string): MetadataImage {
    return new MetadataImage({
      clusterId,
      offset: -1,
      lastBatch: null,
      controllerId: -1,
      controllerEpoch: -1,
      brokers: PersistentMap.empty(),
      topicsByName: PersistentMap.empty(),
      topicsById: PersistentMap.empty(),
      partitionCount: 0,
      configs: PersistentMap.empty(),
      quotas: PersistentMap.empty(),
      features: new Map(),
      nextProducerId: 0,
      scram: PersistentMap.empty(),
      acls: PersistentMap.empty(),
      tokens: PersistentMap.empty(),
    });
  }

  topic(name: string): TopicImage | undefined {
    return this.topicsByName.get(name);
  }

  topicById(id: Uuid): TopicImage | undefined {
    return this.topicsById.get(id);
  }

  partition(topicName: string, index: number): PartitionImage | undefined {
    return this.topicsByName.get(topicName)?.partitions[index];
  }

  topics(): IterableIterator<TopicImage> {
    return this.topicsByName.values();
  }

  /** The resource's overrides; empty when it has none. */
  configOf(type: number, name: string): ReadonlyMap<string, string> {
    return this.configs.get(configKey(type, name)) ?? noConfigs;
  }

  /** The overrides of every resource of the type, by resource name. */
  *configsOfType(type: number): IterableIterator<[string, ReadonlyMap<string, string>]> {
    for (const [key, values] of this.configs) {
      const resource = configResourceOf(key);
      if (resource.type === type) yield [resource.name, values];
    }
  }

  /** Brokers that clients may be sent to. */
  *aliveBrokers(): IterableIterator<BrokerRegistration> {
    for (const broker of this.brokers.values()) if (!broker.fenced) yield broker;
  }

  isAlive(brokerId: number): boolean {
    return this.brokers.get(brokerId)?.fenced === false;
  }
}

export function configKey(type: number, name: string): string {
  return `${type}/${name}`;
}

export function configResourceOf(key: string): ConfigResource {
  const slash = key.indexOf('/');
  return { type: Number(key.slice(0, slash)), name: key.slice(slash + 1) };
}

/** One string for one entity, whatever the order of its parts. */
export function quotaKey(entity: QuotaEntity): string {
  return JSON.stringify(Object.entries(entity).sort(([a], [b]) => (a < b ? -1 : 1)));
}
