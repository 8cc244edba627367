// An image written down as the records that make it: the body of a snapshot.
//
// Invariant: replaying these onto an empty image gives an equal image (but for offset, controller
// and epoch, which the snapshot's frame carries).

import { configResourceOf, type MetadataImage, type PartitionImage } from './image.ts';
import type { MetadataRecord } from './records/index.ts';

export function* recordsOf(image: MetadataImage): Generator<MetadataRecord, void, undefined> {
  for (const [name, featureLevel] of image.features) {
    yield { type: 'FeatureLevelRecord', name, featureLevel };
  }
  yield* brokerRecords(image);
  for (const topic of image.topics()) {
    yield { type: 'TopicRecord', name: topic.name, topicId: topic.id };
    for (const [index, partition] of topic.partitions.entries()) {
      yield partitionRecord(topic.id, index, partition);
    }
  }
  for (const [key, values] of image.configs) {
    const { type: resourceType, name: resourceName } = configResourceOf(key);
    for (const [name, value] of values) {
      yield { type: 'ConfigRecord', resourceType, resourceName, name, value };
    }
  }
  yield* quotaRecords(image);
  const { nextProducerId } = image;
  if (nextProducerId > 0) {
    yield { type: 'ProducerIdsRecord', brokerId: -1, brokerEpoch: -1, nextProducerId };
  }
  for (const { user: name, ...credential } of image.scram.values()) {
    yield { type: 'UserScramCredentialRecord', name, ...credential };
  }
  for (const entry of image.acls.values()) yield { type: 'AccessControlEntryRecord', ...entry };
  for (const { renewers, ...token } of image.tokens.values()) {
    yield { type: 'DelegationTokenRecord', ...token, renewers: [...renewers] };
  }
}

export function partitionRecord(
  topicId: string,
  partitionId: number,
  partition: PartitionImage,
): MetadataRecord {
  const { eligibleLeaderReplicas: elr, lastKnownElr, ...rest } = partition;
  return {
    type: 'PartitionRecord',
    topicId,
    partitionId,
    ...rest,
    eligibleLeaderReplicas: elr.length > 0 ? elr : null,
    lastKnownElr: lastKnownElr.length > 0 ? lastKnownElr : null,
  };
}

function* brokerRecords(image: MetadataImage): Generator<MetadataRecord, void, undefined> {
  for (const broker of image.brokers.values()) {
    yield {
      type: 'RegisterBrokerRecord',
      brokerId: broker.id,
      incarnationId: broker.incarnationId,
      brokerEpoch: broker.epoch,
      endPoints: broker.listeners,
      features: [...broker.features].map(([name, range]) => ({
        name,
        minSupportedVersion: range.minVersion,
        maxSupportedVersion: range.maxVersion,
      })),
      rack: broker.rack,
      fenced: broker.fenced,
      inControlledShutdown: broker.inControlledShutdown,
      logDirs: broker.logDirs,
    };
  }
}

function* quotaRecords(image: MetadataImage): Generator<MetadataRecord, void, undefined> {
  for (const { entity, values } of image.quotas.values()) {
    const parts = Object.entries(entity).map(([entityType, entityName]) => ({
      entityType,
      entityName,
    }));
    for (const [key, value] of values) {
      yield { type: 'ClientQuotaRecord', entity: parts, key, value, remove: false };
    }
  }
}
