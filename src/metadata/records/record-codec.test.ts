// The framing of metadata records, byte for byte as Kafka writes it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZERO_UUID } from '../../base/uuid.ts';
import { completeRecord, decodeRecord, encodeRecord, type MetadataRecord } from './record-codec.ts';

const topicId = 'AAAAAAAAAAEAAAAAAAAAAg';

const samples: MetadataRecord[] = [
  { type: 'TopicRecord', name: 'orders', topicId },
  {
    type: 'PartitionRecord',
    partitionId: 3,
    topicId,
    replicas: [1, 2],
    isr: [2],
    removingReplicas: [],
    addingReplicas: [5],
    leader: 2,
    leaderRecoveryState: 1,
    leaderEpoch: 7,
    partitionEpoch: 9,
    directories: [ZERO_UUID, topicId],
  },
  { type: 'PartitionChangeRecord', partitionId: 1, topicId, isr: [3], leader: 3 },
  { type: 'ConfigRecord', resourceType: 2, resourceName: 'orders', name: 'a', value: null },
  { type: 'RemoveTopicRecord', topicId },
  { type: 'ProducerIdsRecord', brokerId: 1, brokerEpoch: 5, nextProducerId: 1000 },
  { type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 25 },
  {
    type: 'ClientQuotaRecord',
    entity: [{ entityType: 'user', entityName: null }],
    key: 'producer_byte_rate',
    value: 1024.5,
    remove: false,
  },
  {
    type: 'RegisterBrokerRecord',
    brokerId: 1,
    incarnationId: topicId,
    brokerEpoch: 12,
    endPoints: [{ name: 'PLAINTEXT', host: 'h', port: 65535, securityProtocol: 0 }],
    features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 25 }],
    rack: null,
    fenced: false,
    logDirs: [topicId],
  },
  { type: 'BrokerRegistrationChangeRecord', brokerId: 1, brokerEpoch: 12, fenced: -1 },
  { type: 'UnregisterBrokerRecord', brokerId: 1, brokerEpoch: 12 },
  {
    type: 'UserScramCredentialRecord',
    name: 'alice',
    mechanism: 1,
    salt: Buffer.from('s'),
    storedKey: Buffer.from('k'),
    serverKey: Buffer.from('v'),
    iterations: 4096,
  },
  { type: 'RemoveUserScramCredentialRecord', name: 'alice', mechanism: 1 },
  {
    type: 'AccessControlEntryRecord',
    id: topicId,
    resourceType: 2,
    resourceName: '*',
    patternType: 3,
    principal: 'User:a',
    host: '*',
    operation: 3,
    permissionType: 3,
  },
  { type: 'RemoveAccessControlEntryRecord', id: topicId },
  { type: 'BeginTransactionRecord', name: 'bootstrap' },
  { type: 'EndTransactionRecord' },
  { type: 'AbortTransactionRecord', reason: null },
  { type: 'NoOpRecord' },
  {
    type: 'RegisterControllerRecord',
    controllerId: 1,
    incarnationId: topicId,
    zkMigrationReady: false,
    endPoints: [{ name: 'CONTROLLER', host: 'h', port: 9093, securityProtocol: 0 }],
    features: [{ name: 'kraft.version', minSupportedVersion: 0, maxSupportedVersion: 1 }],
  },
  { type: 'UnregisterControllerRecord', controllerId: 1 },
  { type: 'ClearElrRecord', topicName: '' },
  {
    type: 'DelegationTokenRecord',
    owner: 'User:a',
    requester: 'User:a',
    renewers: ['User:b'],
    issueTimestamp: 1,
    maxTimestamp: 2,
    expirationTimestamp: 3,
    tokenId: 't',
  },
  { type: 'RemoveDelegationTokenRecord', tokenId: 't' },
  { type: 'ZkMigrationStateRecord', zkMigrationState: 3 },
  { type: 'FenceBrokerRecord', id: 1, epoch: 2 },
  { type: 'UnfenceBrokerRecord', id: 1, epoch: 2 },
];

test('every record reads back as it was written, with what was left out filled in', () => {
  for (const sample of samples) {
    assert.deepEqual(decodeRecord(encodeRecord(sample)), completeRecord(sample), sample.type);
  }
});

test('the frame is Kafka’s: version 1, key, version, body', () => {
  const topic = encodeRecord(samples[0] as MetadataRecord);
  // Frame 1, key 2, version 0; compact string of 6; the id; no tagged fields.
  const id = '00000000000000010000000000000002';
  assert.equal(topic.toString('hex'), `010200${'07'}6f7264657273${id}00`);
  const feature = encodeRecord(samples[6] as MetadataRecord);
  assert.equal(feature.toString('hex'), `010c00116d657461646174612e76657273696f6e001900`);
  const noOp = encodeRecord({ type: 'NoOpRecord' });
  assert.equal(noOp.toString('hex'), '01140000');
});

test('a record of a newer release is refused by name or key, never skipped', () => {
  for (const bytes of ['02020000', '01630000', '01020500']) {
    assert.throws(() => decodeRecord(Buffer.from(bytes, 'hex')), {
      errorName: 'UNSUPPORTED_VERSION',
    });
  }
});

test('a record that is cut anywhere is malformed, not half read', () => {
  for (const sample of samples) {
    const bytes = encodeRecord(sample);
    for (let end = 0; end < bytes.length; end++) {
      assert.throws(() => decodeRecord(bytes.subarray(0, end)), { name: /KafkaError|Malformed/ });
    }
  }
});
