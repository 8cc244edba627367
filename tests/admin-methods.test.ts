// The admin client can ask whatever a broker serves: for every API there is a method, or a reason
// why no administrator asks it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handlers } from '../src/broker/handlers/index.ts';
import { Admin } from '../src/client/index.ts';

const ofProducers = 'asked by producers';
const ofConsumers = 'asked by consumers';
const ofConnections = 'asked by every connection before anything else';

/** The method as a path from an Admin, or `-` and why there is none. */
const methods: Readonly<Record<string, string>> = {
  Produce: `- ${ofProducers}`,
  Fetch: 'replicas.read',
  ListOffsets: 'listOffsets',
  Metadata: 'listTopics',
  OffsetCommit: 'alterConsumerGroupOffsets',
  OffsetFetch: 'listConsumerGroupOffsets',
  FindCoordinator: '- asked by every method about a group or a transactional id',
  JoinGroup: `- ${ofConsumers}`,
  Heartbeat: `- ${ofConsumers}`,
  LeaveGroup: 'removeMembersFromConsumerGroup',
  SyncGroup: `- ${ofConsumers}`,
  DescribeGroups: 'describeConsumerGroups',
  ListGroups: 'listGroups',
  SaslHandshake: `- ${ofConnections}`,
  ApiVersions: 'cluster.describeApis',
  CreateTopics: 'createTopics',
  DeleteTopics: 'deleteTopics',
  DeleteRecords: 'deleteRecords',
  InitProducerId: 'transactions.fence',
  OffsetForLeaderEpoch: `- ${ofConsumers}`,
  AddPartitionsToTxn: `- ${ofProducers}`,
  AddOffsetsToTxn: `- ${ofProducers}`,
  EndTxn: `- ${ofProducers}`,
  WriteTxnMarkers: 'transactions.abort',
  TxnOffsetCommit: `- ${ofProducers}`,
  DescribeAcls: 'acls.describe',
  CreateAcls: 'acls.create',
  DeleteAcls: 'acls.delete',
  DescribeConfigs: 'describeConfigs',
  AlterConfigs: 'alterConfigs',
  DescribeLogDirs: 'cluster.describeLogDirectories',
  SaslAuthenticate: `- ${ofConnections}`,
  CreatePartitions: 'createPartitions',
  CreateDelegationToken: 'tokens.create',
  RenewDelegationToken: 'tokens.renew',
  ExpireDelegationToken: 'tokens.expire',
  DescribeDelegationToken: 'tokens.describe',
  DeleteGroups: 'deleteConsumerGroups',
  IncrementalAlterConfigs: 'incrementalAlterConfigs',
  OffsetDelete: 'deleteConsumerGroupOffsets',
  DescribeClientQuotas: 'describeClientQuotas',
  AlterClientQuotas: 'alterClientQuotas',
  DescribeUserScramCredentials: 'credentials.describe',
  AlterUserScramCredentials: 'credentials.alter',
  DescribeCluster: 'describeCluster',
  ListConfigResources: 'listConfigResources',
  DescribeTopicPartitions: 'describeTopics',
  AlterReplicaLogDirs: 'cluster.alterReplicaLogDirectories',
  AlterPartitionReassignments: 'cluster.alterReassignments',
  DescribeProducers: 'transactions.describeProducers',
  DescribeQuorum: 'cluster.describeQuorum',
  ElectLeaders: 'cluster.electLeaders',
  ListPartitionReassignments: 'cluster.listReassignments',
  DescribeTransactions: 'transactions.describe',
  ListTransactions: 'transactions.list',
  UnregisterBroker: 'cluster.unregisterBroker',
  UpdateFeatures: 'cluster.updateFeatures',
  ConsumerGroupHeartbeat: `- ${ofConsumers}`,
  ConsumerGroupDescribe: 'describeConsumerGroups',
};

test('there is a method of Admin for every API that a broker serves', async () => {
  const served = handlers.map(({ api }) => api.name);
  assert.deepEqual(Object.keys(methods).sort(), [...served].sort());
  const admin = new Admin({ bootstrapServers: 'localhost:1' });
  for (const [api, path] of Object.entries(methods)) {
    if (path.startsWith('- ')) continue;
    const found = path
      .split('.')
      .reduce<unknown>((of, name) => Reflect.get(of as object, name), admin);
    assert.equal(typeof found, 'function', `${api}: there is no admin.${path}`);
  }
  await admin.close();
});
