// Metadata with something of every kind, for what writes them down and takes them elsewhere.

import { type Uuid, ZERO_UUID } from '../../../src/base/uuid.ts';
import { MetadataDelta } from '../../../src/metadata/delta.ts';
import { MetadataImage } from '../../../src/metadata/image.ts';
import { type WholeMetadata, wholeOf } from '../../../src/metadata/moving/whole-metadata.ts';
import type { MetadataRecord } from '../../../src/metadata/records/index.ts';

export const sampleClusterId = 'sampleClusterAAAAAAAAA';
export const sampleHistoryId: Uuid = 'sampleHistoryAAAAAAAAA';

const topicIds = ['AAAAAAAAAAEAAAAAAAAAAg', 'AAAAAAAAAAEAAAAAAAAAAw'] as const;
const directory = 'AAAAAAAAAAEAAAAAAAAABA';

function topic(name: string, topicId: Uuid, partitionCount: number): MetadataRecord[] {
  const partitions = Array.from({ length: partitionCount }, (_, partitionId) => ({
    type: 'PartitionRecord' as const,
    ...{ partitionId, topicId, leader: 1, leaderEpoch: 3 + partitionId, partitionEpoch: 4 },
    ...{ replicas: [1], isr: [1], removingReplicas: [], addingReplicas: [] },
    leaderRecoveryState: 0 as const,
    directories: [directory],
    eligibleLeaderReplicas: partitionId === 1 ? [2] : null,
  }));
  return [{ type: 'TopicRecord', name, topicId }, ...partitions];
}

export const sampleRecords: readonly MetadataRecord[] = [
  { type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 25 },
  { type: 'FeatureLevelRecord', name: 'eligible.leader.replicas.version', featureLevel: 1 },
  {
    type: 'RegisterBrokerRecord',
    ...{ brokerId: 1, incarnationId: ZERO_UUID, brokerEpoch: 12, rack: 'a', fenced: false },
    endPoints: [{ name: 'PLAINTEXT', host: 'h', port: 65535, securityProtocol: 0 }],
    features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 25 }],
    logDirs: [directory],
  },
  ...topic('orders', topicIds[0], 12),
  ...topic('orders-2', topicIds[1], 1),
  { type: 'ConfigRecord', resourceType: 2, resourceName: 'orders', name: 'z', value: '"é\n' },
  { type: 'ConfigRecord', resourceType: 2, resourceName: 'orders', name: 'a', value: '1' },
  {
    type: 'ClientQuotaRecord',
    entity: [
      { entityType: 'user', entityName: null },
      { entityType: 'client-id', entityName: 'c' },
    ],
    ...{ key: 'producer_byte_rate', value: 10_000_000.5, remove: false },
  },
  { type: 'ProducerIdsRecord', brokerId: -1, brokerEpoch: -1, nextProducerId: 4000 },
  {
    type: 'UserScramCredentialRecord',
    ...{ name: 'alice', mechanism: 1, iterations: 4096 },
    salt: Buffer.from('salt'),
    storedKey: Buffer.from('stored'),
    serverKey: Buffer.from('server'),
  },
  {
    type: 'AccessControlEntryRecord',
    ...{ id: topicIds[0], resourceType: 2, resourceName: 'orders', patternType: 3 },
    ...{ principal: 'User:alice', host: '*', operation: 3, permissionType: 3 },
  },
  {
    type: 'DelegationTokenRecord',
    ...{ owner: 'User:alice', requester: 'User:admin', renewers: ['User:bob', 'User:a:b'] },
    ...{ issueTimestamp: 1_700_000_000_000, maxTimestamp: 2 ** 43, expirationTimestamp: 2 ** 42 },
    tokenId: 'sampleTokenAAAAAAAAAAA',
  },
];

/** @param order of the records before they were replayed */
export function sampleMetadata(records = sampleRecords, endOffset = 5_000): WholeMetadata {
  const delta = new MetadataDelta(MetadataImage.empty(sampleClusterId));
  for (const record of records) delta.replayDecided(record);
  const image = delta.apply({ endOffset, controllerEpoch: 7, controllerId: 1 });
  return { ...wholeOf(image, sampleHistoryId), timestampMs: 1_700_000_000_000 };
}
