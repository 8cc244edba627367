// The delta: replays records onto an image and yields the next one, with a note of what changed.
// Topics that are touched are copied once per delta, so a batch that adds 10 000 partitions to one
// topic costs 10 000 steps, not 10 000 copies of an array.
//
// Invariant: replaying a log record by record, in batches of any size, or from a snapshot that
// replaces a part of it, gives equal images.

import { assert } from '../base/assert.ts';
import type { PersistentMap } from '../base/persistent-map.ts';
import type { Uuid } from '../base/uuid.ts';
import type { DelegationToken } from '../security/tokens/index.ts';
import type { ImageChanges } from './changes.ts';
import { replayBrokerRecord } from './delta-brokers.ts';
import {
  type AclEntry,
  type BrokerRegistration,
  type ConfigResource,
  configKey,
  configResourceOf,
  type ImageParts,
  MetadataImage,
  type PartitionImage,
  type QuotaImage,
  quotaKey,
  type ScramCredential,
  type TopicImage,
} from './image.ts';
import {
  completeRecord,
  type DecodedRecord,
  type MetadataRecord,
  NO_LEADER_CHANGE,
  NO_RECOVERY_STATE_CHANGE,
} from './records/index.ts';

/** One for all partitions, most of which have nobody there. */
const nobody: readonly number[] = [];

type RecordOf<Type extends MetadataRecord['type']> = Extract<DecodedRecord, { type: Type }>;

/** What a record says of a partition, but for the partition that it is about. */
export type PartitionChange = Omit<
  Extract<MetadataRecord, { type: 'PartitionChangeRecord' }>,
  'type' | 'topicId' | 'partitionId'
>;

/** A topic that this delta owns and may write to until it is applied. */
interface DraftTopic {
  readonly name: string;
  readonly id: Uuid;
  readonly partitions: PartitionImage[];
  /** Indexes of new and changed partitions. */
  readonly touched: Set<number>;
  readonly isNew: boolean;
}

export interface BatchStamp {
  /** One past the last offset of what was replayed. */
  readonly endOffset: number;
  readonly controllerEpoch: number;
  /** -1: as it was. */
  readonly controllerId: number;
  /** Of the batch that ends there; absent: not known. */
  readonly lastBatch?: string | null;
}

export class MetadataDelta {
  readonly #base: MetadataImage;
  readonly #drafts = new Map<Uuid, DraftTopic>();
  readonly #draftIds = new Map<string, Uuid>();
  readonly #topicsDeleted = new Map<Uuid, TopicImage>();
  readonly #configsChanged = new Map<string, Map<string, string>>();
  readonly #brokersChanged = new Set<number>();
  readonly #aclsChanged = new Set<Uuid>();
  #brokers: PersistentMap<number, BrokerRegistration>;
  #quotas: PersistentMap<string, QuotaImage>;
  #scram: PersistentMap<string, ScramCredential>;
  #acls: PersistentMap<Uuid, AclEntry>;
  #tokens: PersistentMap<string, DelegationToken>;
  #features: ReadonlyMap<string, number>;
  #nextProducerId: number;
  #partitionCount: number;

  constructor(base: MetadataImage) {
    this.#base = base;
    this.#brokers = base.brokers;
    this.#quotas = base.quotas;
    this.#scram = base.scram;
    this.#acls = base.acls;
    this.#tokens = base.tokens;
    this.#features = base.features;
    this.#nextProducerId = base.nextProducerId;
    this.#partitionCount = base.partitionCount;
  }

  /** A record that was decided here and not yet read back. */
  replayDecided(record: MetadataRecord): void {
    this.replay(completeRecord(record));
  }

  replay(record: DecodedRecord): void {
    switch (record.type) {
      case 'TopicRecord':
        this.#replayTopic(record);
        break;
      case 'PartitionRecord':
        this.#replayPartition(record);
        break;
      case 'PartitionChangeRecord':
        this.#replayPartitionChange(record);
        break;
      case 'RemoveTopicRecord':
        this.#replayRemoveTopic(record);
        break;
      case 'ConfigRecord':
        this.#replayConfig(record);
        break;
      case 'ClientQuotaRecord':
        this.#replayQuota(record);
        break;
      case 'FeatureLevelRecord':
        this.#replayFeature(record);
        break;
      case 'ProducerIdsRecord':
        this.#nextProducerId = record.nextProducerId;
        break;
      case 'UserScramCredentialRecord':
      case 'RemoveUserScramCredentialRecord':
        this.#replayScram(record);
        break;
      case 'AccessControlEntryRecord':
      case 'RemoveAccessControlEntryRecord':
        this.#replayAcl(record);
        break;
      case 'DelegationTokenRecord': {
        const { type: _, ...token } = record;
        this.#tokens = this.#tokens.set(token.tokenId, token);
        break;
      }
      case 'RemoveDelegationTokenRecord':
        this.#tokens = this.#tokens.delete(record.tokenId);
        break;
      case 'RegisterBrokerRecord':
      case 'UnregisterBrokerRecord':
      case 'BrokerRegistrationChangeRecord':
      case 'FenceBrokerRecord':
      case 'UnfenceBrokerRecord': {
        const { brokers, id } = replayBrokerRecord(this.#brokers, record);
        this.#brokers = brokers;
        this.#brokersChanged.add(id);
        break;
      }
      case 'ClearElrRecord':
        this.#replayClearElr(record.topicName);
        break;
      case 'NoOpRecord':
      case 'BeginTransactionRecord':
      case 'EndTransactionRecord':
      case 'AbortTransactionRecord':
      case 'RegisterControllerRecord':
      case 'UnregisterControllerRecord':
      case 'ZkMigrationStateRecord':
        break;
    }
  }

  /** The image with everything replayed so far; the delta must not be used afterwards. */
  apply(stamp: BatchStamp): MetadataImage {
    const base = this.#base;
    const parts: { -readonly [Part in keyof ImageParts]: ImageParts[Part] } = {
      clusterId: base.clusterId,
      offset: stamp.endOffset - 1,
      lastBatch: stamp.lastBatch ?? null,
      controllerId: stamp.controllerId === -1 ? base.controllerId : stamp.controllerId,
      controllerEpoch: Math.max(base.controllerEpoch, stamp.controllerEpoch),
      brokers: this.#brokers,
      topicsByName: base.topicsByName,
      topicsById: base.topicsById,
      partitionCount: this.#partitionCount,
      configs: base.configs,
      quotas: this.#quotas,
      features: this.#features,
      nextProducerId: this.#nextProducerId,
      scram: this.#scram,
      acls: this.#acls,
      tokens: this.#tokens,
    };
    for (const topic of this.#topicsDeleted.values()) {
      parts.topicsByName = parts.topicsByName.delete(topic.name);
      parts.topicsById = parts.topicsById.delete(topic.id);
    }
    for (const draft of this.#drafts.values()) {
      const topic: TopicImage = { name: draft.name, id: draft.id, partitions: draft.partitions };
      parts.topicsByName = parts.topicsByName.set(topic.name, topic);
      parts.topicsById = parts.topicsById.set(topic.id, topic);
    }
    for (const [key, values] of this.#configsChanged) {
      parts.configs =
        values.size === 0 ? parts.configs.delete(key) : parts.configs.set(key, values);
    }
    return new MetadataImage(parts);
  }

  /** What the replayed records changed. */
  changes(image: MetadataImage): ImageChanges {
    const topicsCreated = new Map<Uuid, TopicImage>();
    const topicsChanged = new Map<Uuid, ReadonlySet<number>>();
    for (const draft of this.#drafts.values()) {
      if (draft.isNew) topicsCreated.set(draft.id, image.topicById(draft.id) as TopicImage);
      else topicsChanged.set(draft.id, draft.touched);
    }
    // A topic that came and went within the batch was never there for anybody.
    const topicsDeleted = new Map<Uuid, TopicImage>();
    for (const [id, topic] of this.#topicsDeleted) {
      if (this.#base.topicById(id) !== undefined) topicsDeleted.set(id, topic);
    }
    const configsChanged: ConfigResource[] = [...this.#configsChanged.keys()].map(configResourceOf);
    return {
      previous: this.#base,
      topicsCreated,
      topicsDeleted,
      topicsChanged,
      configsChanged,
      brokersChanged: this.#brokersChanged,
      quotasChanged: this.#quotas !== this.#base.quotas,
      featuresChanged: this.#features !== this.#base.features,
      scramChanged: this.#scram !== this.#base.scram,
      aclsChanged: this.#aclsChanged,
    };
  }

  #draftOf(id: Uuid): DraftTopic {
    let draft = this.#drafts.get(id);
    if (draft === undefined) {
      const topic = this.#base.topicById(id);
      assert(
        topic !== undefined && !this.#topicsDeleted.has(id),
        `the metadata log changes topic ${id}, which it did not create`,
      );
      const partitions = topic.partitions.slice();
      draft = { name: topic.name, id, partitions, touched: new Set(), isNew: false };
      this.#addDraft(draft);
    }
    return draft;
  }

  #addDraft(draft: DraftTopic): void {
    this.#drafts.set(draft.id, draft);
    this.#draftIds.set(draft.name, draft.id);
  }

  #replayTopic(record: RecordOf<'TopicRecord'>): void {
    const older = this.#base.topic(record.name);
    assert(
      !this.#draftIds.has(record.name) &&
        (older === undefined || this.#topicsDeleted.has(older.id)),
      `the metadata log creates topic ${record.name} twice`,
    );
    const { name, topicId: id } = record;
    this.#addDraft({ name, id, partitions: [], touched: new Set(), isNew: true });
  }

  #replayPartition(record: RecordOf<'PartitionRecord'>): void {
    const draft = this.#draftOf(record.topicId);
    const index = record.partitionId;
    assert(index <= draft.partitions.length, `topic ${draft.name} has a gap before ${index}`);
    if (index === draft.partitions.length) this.#partitionCount += 1;
    draft.partitions[index] = {
      replicas: record.replicas,
      directories: record.directories,
      isr: record.isr,
      eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? nobody,
      lastKnownElr: record.lastKnownElr ?? nobody,
      addingReplicas: record.addingReplicas,
      removingReplicas: record.removingReplicas,
      leader: record.leader,
      leaderEpoch: record.leaderEpoch,
      partitionEpoch: record.partitionEpoch,
      leaderRecoveryState: record.leaderRecoveryState === 1 ? 1 : 0,
    };
    draft.touched.add(index);
  }

  #replayPartitionChange(record: RecordOf<'PartitionChangeRecord'>): void {
    const draft = this.#draftOf(record.topicId);
    const index = record.partitionId;
    const before = draft.partitions[index];
    assert(before !== undefined, `topic ${draft.name} has no partition ${index} to change`);
    draft.partitions[index] = changedPartition(before, record);
    draft.touched.add(index);
  }

  /** Kafka writes it when min.insync.replicas changes: who was eligible before may lack records. */
  #replayClearElr(topicName: string): void {
    const ids =
      topicName === ''
        ? [...this.#base.topicsById.keys(), ...this.#drafts.keys()]
        : [this.#draftIds.get(topicName) ?? this.#base.topic(topicName)?.id];
    for (const id of new Set(ids)) {
      if (id === undefined || this.#topicsDeleted.has(id)) continue;
      const { partitions } = this.#drafts.get(id) ?? (this.#base.topicById(id) as TopicImage);
      for (const [index, partition] of partitions.entries()) {
        const { eligibleLeaderReplicas: elr, lastKnownElr, partitionEpoch } = partition;
        if (elr.length + lastKnownElr.length === 0) continue;
        const draft = this.#draftOf(id);
        draft.partitions[index] = {
          ...partition,
          eligibleLeaderReplicas: nobody,
          lastKnownElr: nobody,
          partitionEpoch: partitionEpoch + 1,
        };
        draft.touched.add(index);
      }
    }
  }

  /** Its configuration goes with it, as in Kafka: no ConfigRecord says so. */
  #replayRemoveTopic(record: RecordOf<'RemoveTopicRecord'>): void {
    const id = record.topicId;
    const draft = this.#drafts.get(id);
    const topic = this.#base.topicById(id) ?? draft;
    assert(topic !== undefined, `the metadata log removes topic ${id}, which is not there`);
    this.#partitionCount -= (draft ?? topic).partitions.length;
    this.#drafts.delete(id);
    this.#draftIds.delete(topic.name);
    this.#topicsDeleted.set(id, { name: topic.name, id, partitions: topic.partitions });
    const key = configKey(2, topic.name);
    if (this.#base.configs.has(key) || this.#configsChanged.has(key)) {
      this.#configsChanged.set(key, new Map());
    }
  }

  #replayConfig(record: RecordOf<'ConfigRecord'>): void {
    const key = configKey(record.resourceType, record.resourceName);
    let values = this.#configsChanged.get(key);
    if (values === undefined) {
      values = new Map(this.#base.configs.get(key));
      this.#configsChanged.set(key, values);
    }
    if (record.value === null) values.delete(record.name);
    else values.set(record.name, record.value);
  }

  #replayQuota(record: RecordOf<'ClientQuotaRecord'>): void {
    const entity = Object.fromEntries(
      record.entity.map((part) => [part.entityType, part.entityName]),
    );
    const key = quotaKey(entity);
    const values = new Map(this.#quotas.get(key)?.values);
    if (record.remove) values.delete(record.key);
    else values.set(record.key, record.value);
    this.#quotas =
      values.size === 0 ? this.#quotas.delete(key) : this.#quotas.set(key, { entity, values });
  }

  #replayFeature(record: RecordOf<'FeatureLevelRecord'>): void {
    const features = new Map(this.#features);
    if (record.featureLevel === 0) features.delete(record.name);
    else features.set(record.name, record.featureLevel);
    this.#features = features;
  }

  #replayScram(
    record: RecordOf<'UserScramCredentialRecord'> | RecordOf<'RemoveUserScramCredentialRecord'>,
  ): void {
    const key = `${record.mechanism}/${record.name}`;
    if (record.type === 'RemoveUserScramCredentialRecord') {
      this.#scram = this.#scram.delete(key);
      return;
    }
    const { name: user, mechanism, iterations } = record;
    // The bytes are slices of a batch: copies let go of it.
    this.#scram = this.#scram.set(key, {
      user,
      mechanism,
      iterations,
      salt: Buffer.from(record.salt),
      storedKey: Buffer.from(record.storedKey),
      serverKey: Buffer.from(record.serverKey),
    });
  }

  #replayAcl(
    record: RecordOf<'AccessControlEntryRecord'> | RecordOf<'RemoveAccessControlEntryRecord'>,
  ): void {
    this.#aclsChanged.add(record.id);
    if (record.type === 'RemoveAccessControlEntryRecord') {
      this.#acls = this.#acls.delete(record.id);
      return;
    }
    const { type: _, ...entry } = record;
    this.#acls = this.#acls.set(entry.id, entry);
  }
}

/** Naming a leader, even the same one, begins a new leader epoch; any change a partition epoch. */
export function changedPartition(before: PartitionImage, record: PartitionChange): PartitionImage {
  const { leader = NO_LEADER_CHANGE, leaderRecoveryState = NO_RECOVERY_STATE_CHANGE } = record;
  const namesLeader = leader !== NO_LEADER_CHANGE;
  return {
    replicas: record.replicas ?? before.replicas,
    directories: record.directories ?? before.directories,
    isr: record.isr ?? before.isr,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: record.lastKnownElr ?? before.lastKnownElr,
    addingReplicas: record.addingReplicas ?? before.addingReplicas,
    removingReplicas: record.removingReplicas ?? before.removingReplicas,
    leader: namesLeader ? leader : before.leader,
    leaderEpoch: before.leaderEpoch + (namesLeader ? 1 : 0),
    partitionEpoch: before.partitionEpoch + 1,
    leaderRecoveryState:
      leaderRecoveryState === NO_RECOVERY_STATE_CHANGE
        ? before.leaderRecoveryState
        : leaderRecoveryState === 1
          ? 1
          : 0,
  };
}
