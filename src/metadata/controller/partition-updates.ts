// The partitions that one decision changes: each by the rules of its topic (min.insync.replicas,
// unclean.leader.election.enable) and of the brokers alive once the decision is replayed.
//
// Invariant: a partition is changed at most once in a decision; what is asked of it later is
// decided upon what the first change left.

import type { Uuid } from '../../base/uuid.ts';
import type { PartitionChange } from '../delta.ts';
import {
  type BrokerRegistration,
  configKey,
  type MetadataImage,
  type PartitionImage,
  ResourceType,
  type TopicImage,
} from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { ELR_FEATURE } from './features.ts';
import { type PartitionRules, type PartitionTarget, partitionChange } from './partition-change.ts';
import { canLead, DirectoryId, directoryForNew, isOnline } from './registered-broker.ts';

/** By `configKey`, all overrides of the resource. */
export type ChangedConfigs = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What the decision changes besides: partitions are decided upon how it will be. */
export interface AfterDecision {
  readonly broker?: BrokerRegistration;
  readonly configs?: ChangedConfigs;
}

export interface PartitionAt {
  readonly topic: TopicImage;
  readonly partitionId: number;
}

export class PartitionUpdates {
  readonly records: MetadataRecord[] = [];
  readonly #machine: ControllerMachine;
  readonly #image: MetadataImage;
  readonly #changed: BrokerRegistration | undefined;
  readonly #configs: ChangedConfigs | undefined;
  readonly #isElrEnabled: boolean;
  readonly #unclean: string[] = [];
  #uncleanCount = 0;
  /** Of the topic that was asked for last. */
  #topic: { readonly id: Uuid; readonly rules: TopicRules } | null = null;

  constructor(machine: ControllerMachine, after: AfterDecision = {}) {
    this.#machine = machine;
    this.#image = machine.image;
    this.#changed = after.broker;
    this.#configs = after.configs;
    this.#isElrEnabled = isElrEnabled(this.#image);
  }

  rulesOf(topic: TopicImage): TopicRules {
    if (this.#topic?.id !== topic.id) {
      this.#topic = { id: topic.id, rules: topicRules(this.#machine, topic, this.#configs) };
    }
    return this.#topic.rules;
  }

  /** What changes, which is in `records`; null: nothing does. */
  change(at: PartitionAt, target: PartitionTarget): PartitionChange | null {
    const { topic, partitionId } = at;
    const before = topic.partitions[partitionId] as PartitionImage;
    const topicRules = this.rulesOf(topic);
    const rules: PartitionRules = {
      minInSyncReplicas: topicRules.minInSyncReplicas,
      isElrEnabled: this.#isElrEnabled,
      canLead: (id) => canLead(this.#broker(id)) && this.#isThere(before, id, target),
      directoryOf: (id) => directoryForNew(this.#broker(id)),
    };
    const election = target.election ?? (topicRules.mayElectUncleanly ? 'unclean' : 'online');
    const change = partitionChange(before, { ...target, election }, rules);
    if (change === null) return null;
    this.records.push({
      type: 'PartitionChangeRecord',
      topicId: topic.id,
      partitionId,
      ...change,
    });
    if (change.leaderRecoveryState === 1) this.#noteUnclean(at, change);
    return change;
  }

  /** Nothing changes but the partition epoch. */
  renewEpoch({ topic, partitionId }: PartitionAt): PartitionChange {
    this.records.push({ type: 'PartitionChangeRecord', topicId: topic.id, partitionId });
    return {};
  }

  /** To be called once all is decided: says who leads without being known to have everything. */
  report(): void {
    if (this.#uncleanCount === 0) return;
    this.#machine.context.log?.warn(
      'leaders were elected that are not known to have all records: nobody else was left',
      { partitions: this.#uncleanCount, such_as: this.#unclean.join(', ') },
    );
  }

  #broker(id: number): BrokerRegistration | undefined {
    return this.#changed?.id === id ? this.#changed : this.#image.brokers.get(id);
  }

  #isThere(partition: PartitionImage, brokerId: number, { directory: told }: PartitionTarget) {
    const index = partition.replicas.indexOf(brokerId);
    const known = partition.directories[index] ?? DirectoryId.UNASSIGNED;
    const directory = told?.brokerId === brokerId ? told.id : known;
    return isOnline(this.#broker(brokerId), directory);
  }

  #noteUnclean({ topic, partitionId }: PartitionAt, { leader }: PartitionChange): void {
    this.#uncleanCount += 1;
    if (this.#unclean.length < 10) {
      this.#unclean.push(`${topic.name}-${partitionId} on broker ${leader}`);
    }
  }
}

export interface TopicRules {
  readonly minInSyncReplicas: number;
  readonly mayElectUncleanly: boolean;
}

export function isElrEnabled(image: MetadataImage): boolean {
  return (image.features.get(ELR_FEATURE) ?? 0) > 0;
}

/** As the topic says, or the cluster, or this broker's own configuration. */
export function topicRules(
  { image, context }: ControllerMachine,
  topic: TopicImage,
  changed?: ChangedConfigs,
): TopicRules {
  const configOf = (type: number, name: string) =>
    changed?.get(configKey(type, name)) ?? image.configOf(type, name);
  const overrides = configOf(ResourceType.TOPIC, topic.name);
  const clusterWide = configOf(ResourceType.BROKER, '');
  const overrideOf = (name: string): string | undefined =>
    overrides.get(name) ?? clusterWide.get(name);
  const required = overrideOf('min.insync.replicas');
  const unclean = overrideOf('unclean.leader.election.enable');
  const { rules } = context;
  const min = required === undefined ? rules.minInSyncReplicas : Number(required);
  return {
    minInSyncReplicas: Math.min(min, topic.partitions[0]?.replicas.length ?? 1),
    mayElectUncleanly:
      unclean === undefined ? rules.isUncleanElectionEnabled : unclean.toLowerCase() === 'true',
  };
}
