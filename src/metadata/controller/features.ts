// Feature levels of the cluster (KIP-584): what every broker may rely on. metadata.version says
// which records may be in the metadata log.

import { pushAll } from '../../base/push-all.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { type FeatureRange, type MetadataImage, ResourceType } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type FeatureUpdate,
  itemError,
  type UpdateFeaturesRequest,
  type UpdateFeaturesResult,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';

/** 4.0-IV3: the release whose record versions record-codec.ts writes. */
export const METADATA_VERSION = 25;

/** 4.4-IV2: the newest release whose records record-codec.ts reads. */
export const METADATA_VERSION_READ = 33;

export const ELR_FEATURE = 'eligible.leader.replicas.version';
/** 4.0-IV1: since then a partition's record can name eligible leaders. */
const METADATA_VERSION_OF_ELR = 23;

/** What Kafka does not have is gated by a feature of this kind; no release has needed one yet. */
export const ownFeatures = 'partita.';

/** What this program supports; a broker registers with these. */
export const supportedFeatures: ReadonlyMap<string, FeatureRange> = new Map([
  ['metadata.version', { minVersion: 7, maxVersion: METADATA_VERSION_READ }],
  // 1: consumer groups of the new protocol (KIP-848).
  ['group.version', { minVersion: 0, maxVersion: 1 }],
  // 1: more in the records of transactions. 2: an epoch for each of them (KIP-890).
  ['transaction.version', { minVersion: 0, maxVersion: 2 }],
  // 1: who left a too small ISR may lead again, and the high watermark waits (KIP-966).
  [ELR_FEATURE, { minVersion: 0, maxVersion: 1 }],
]);

/**
 * Levels that this program does not know mean records, and rules, that it does not know. A log of
 * one broker may be Kafka's, and what only Kafka serves is switched off in it (take-over.ts); where
 * others rely on a level, whoever does not know it has to go.
 * @throws KafkaError UNSUPPORTED_VERSION
 */
export function assertKnownFeature(name: string, level: number, isOfSeveral: boolean): void {
  const levelMax = supportedFeatures.get(name)?.maxVersion ?? 0;
  const isNeeded = isOfSeveral || name === 'metadata.version' || name.startsWith(ownFeatures);
  if (level <= levelMax || !isNeeded) return;
  const what = `the metadata are of ${name} ${level}; up to ${levelMax} are known here`;
  throw new KafkaError('UNSUPPORTED_VERSION', `${what}: upgrade this broker`);
}

/** What a new cluster begins with. */
export function firstFeatures(image: MetadataImage): MetadataRecord[] {
  if (image.features.has('metadata.version')) return [];
  return [...supportedFeatures].map(([name, { maxVersion: featureLevel }]) => {
    const isOfRecords = name === 'metadata.version';
    const level = isOfRecords ? METADATA_VERSION : featureLevel;
    return { type: 'FeatureLevelRecord', name, featureLevel: level };
  });
}

/**
 * Who is eligible depends on min.insync.replicas, which therefore is one for all brokers from the
 * moment on at which the feature is switched on: what this one has of it, unless the cluster says.
 */
export function* minInSyncOfAll({
  image,
  context,
}: ControllerMachine): Generator<MetadataRecord, void, undefined> {
  const name = 'min.insync.replicas';
  const record = { type: 'ConfigRecord', resourceType: ResourceType.BROKER, name } as const;
  if (!image.configOf(ResourceType.BROKER, '').has(name)) {
    yield { ...record, resourceName: '', value: String(context.rules.minInSyncReplicas) };
  }
  for (const [resourceName, overrides] of image.configsOfType(ResourceType.BROKER)) {
    if (resourceName !== '' && overrides.has(name)) yield { ...record, resourceName, value: null };
  }
}

export function updateFeatures(
  machine: ControllerMachine,
  request: UpdateFeaturesRequest,
): Decision<MetadataRecord, UpdateFeaturesResult[]> {
  const records: MetadataRecord[] = [];
  const response: UpdateFeaturesResult[] = [];
  for (const update of request.updates) {
    try {
      const changes = featureRecords(machine.image, update);
      pushAll(records, changes);
      const isElrSwitchedOn = update.feature === ELR_FEATURE && update.maxVersionLevel > 0;
      if (isElrSwitchedOn && changes.length > 0) pushAll(records, minInSyncOfAll(machine));
      response.push({ feature: update.feature, error: null });
    } catch (error) {
      response.push({ feature: update.feature, error: itemError(error) });
    }
  }
  // Feature updates are one decision (KIP-584): if one is refused, none is made.
  const isRefused = response.some((result) => result.error !== null);
  return { records: request.validateOnly || isRefused ? [] : records, response };
}

function featureRecords(image: MetadataImage, update: FeatureUpdate): MetadataRecord[] {
  const { feature, maxVersionLevel, upgradeType } = update;
  const range = supportedFeatures.get(feature);
  const refuse = (why: string): never => {
    throw new KafkaError('INVALID_UPDATE_VERSION', `Feature ${feature}: ${why}`);
  };
  if (range === undefined) return refuse('this cluster does not know it.');
  const { minVersion, maxVersion } = range;
  const isDeletion = maxVersionLevel === 0 && feature !== 'metadata.version';
  if (!isDeletion && (maxVersionLevel < minVersion || maxVersionLevel > maxVersion)) {
    refuse(`level ${maxVersionLevel} is not in the supported range ${minVersion}-${maxVersion}.`);
  }
  const present = image.features.get(feature) ?? 0;
  if (maxVersionLevel === present) return [];
  const metadataVersion = image.features.get('metadata.version') ?? 0;
  if (feature === ELR_FEATURE && maxVersionLevel > 0 && metadataVersion < METADATA_VERSION_OF_ELR) {
    refuse(`it needs metadata.version ${METADATA_VERSION_OF_ELR}, this is ${metadataVersion}.`);
  }
  for (const { id, features } of image.brokers.values()) {
    const range = rangeWithout(features, feature, maxVersionLevel);
    if (range === null) continue;
    refuse(`Broker ${id} only supports versions ${range.minVersion}-${range.maxVersion}.`);
  }
  if (maxVersionLevel < present && upgradeType === 'upgrade') {
    refuse(`level ${present} can only be lowered by a downgrade.`);
  }
  if (maxVersionLevel < present && feature === 'metadata.version') {
    refuse('the records that are in the log need it: it cannot be lowered.');
  }
  return [{ type: 'FeatureLevelRecord', name: feature, featureLevel: maxVersionLevel }];
}

/** What a broker supports of a feature where that is not the level; null: it supports the level. */
export function rangeWithout(
  features: ReadonlyMap<string, FeatureRange>,
  name: string,
  level: number,
): FeatureRange | null {
  // One on its own does not say.
  if (features.size === 0 || level === 0) return null;
  const range = features.get(name) ?? { minVersion: 0, maxVersion: 0 };
  return level >= range.minVersion && level <= range.maxVersion ? null : range;
}
