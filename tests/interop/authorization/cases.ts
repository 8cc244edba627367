// A request for each API that the brokers serve, about a topic, a group and a transactional id that
// only ACLs stand before: where the right is there, the answer is what nothing is changed by.

import type { Api } from '../../../src/protocol/index.ts';
import * as apis from '../../../src/protocol/index.ts';

/** What the requests are about. */
export const resources = { topic: 't', group: 'g', transactionalId: 'x', cluster: 'kafka-cluster' };

export interface Case {
  readonly api: Api;
  /** Tells several of one API apart. */
  readonly what: string;
  /** Before it the request would be another one. Default 0. */
  readonly versionMin: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Facts {
  /** Of `resources.topic`, as the broker named it. */
  readonly topicId: string;
}

const { topic, group, transactionalId } = resources;
const noId = 'AAAAAAAAAAAAAAAAAAAAAA';
const absentId = 'AAAAAAAAAAAAAAAAAAAAZA';
const producer = { producerId: 4242, producerEpoch: 0 };

export function casesOf({ topicId }: Facts, records: (isTransactional: boolean) => Buffer): Case[] {
  const cases: Case[] = [];
  const add = (api: Api, body: Case['body'], what = '', versionMin = 0): void => {
    cases.push({ api, what, versionMin, body });
  };
  const produced = (isTransactional: boolean) => ({
    ...{ acks: 1, timeoutMs: 1000, transactionalId: isTransactional ? transactionalId : null },
    topicData: [
      {
        ...{ name: topic, topicId },
        partitionData: [{ index: 0, records: records(isTransactional) }],
      },
    ],
  });
  // Before that batches are of another format.
  add(apis.produce, produced(false), '', 3);
  add(apis.produce, produced(true), 'transactional', 3);
  const fetched = [
    { partition: 0, fetchOffset: 0, partitionMaxBytes: 1000, currentLeaderEpoch: -1 },
  ];
  const fetching = { maxWaitMs: 0, minBytes: 0, maxBytes: 1000, sessionEpoch: -1 };
  add(apis.fetch, {
    ...fetching,
    topics: [
      { topic, topicId, partitions: fetched },
      { topic: 'absent', topicId: absentId, partitions: fetched },
    ],
  });
  add(
    apis.fetch,
    {
      ...{ ...fetching, replicaId: 9, replicaState: { replicaId: 9, replicaEpoch: 1 } },
      topics: [{ topic, topicId, partitions: fetched }],
    },
    'follower',
  );
  const offsets = [{ partitionIndex: 0, timestamp: -1, maxNumOffsets: 1, currentLeaderEpoch: -1 }];
  add(apis.listOffsets, {
    ...{ replicaId: -1, isolationLevel: 0 },
    topics: [
      { name: topic, partitions: offsets },
      { name: 'absent', partitions: offsets },
    ],
  });
  const included = {
    ...{ includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true },
    allowAutoTopicCreation: false,
  };
  const named = (...names: string[]) => names.map((name) => ({ name, topicId: noId }));
  add(apis.metadata, { ...included, topics: named(topic, 'absent') });
  add(apis.metadata, { ...included, topics: null }, 'all');
  add(apis.metadata, { topics: [{ name: null, topicId }] }, 'by id');
  add(apis.describeTopicPartitions, { topics: named(topic, 'absent'), responsePartitionLimit: 9 });
  add(apis.describeTopicPartitions, { topics: [], responsePartitionLimit: 9 }, 'all');
  const committed = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }];
  const commitTopics = [
    { name: topic, topicId, partitions: committed },
    { name: 'absent', topicId: absentId, partitions: committed },
  ];
  add(apis.offsetCommit, {
    ...{ groupId: group, generationIdOrMemberEpoch: 5, memberId: 'nobody', retentionTimeMs: -1 },
    topics: commitTopics,
  });
  const wanted = [
    { name: topic, topicId, partitionIndexes: [0] },
    { name: 'absent', topicId: absentId, partitionIndexes: [0] },
  ];
  const fetchedGroup = { groupId: group, memberId: null, memberEpoch: -1 };
  add(apis.offsetFetch, {
    ...{ groupId: group, topics: wanted, groups: [{ ...fetchedGroup, topics: wanted }] },
    requireStable: false,
  });
  add(
    apis.offsetFetch,
    { groupId: group, topics: null, groups: [{ ...fetchedGroup, topics: null }] },
    'all',
  );
  const key = (name: string, keyType: number) => {
    return { key: name, keyType, coordinatorKeys: [name] };
  };
  add(apis.findCoordinator, key(group, 0), 'group');
  add(apis.findCoordinator, key(transactionalId, 1), 'transaction');
  add(apis.joinGroup, {
    ...{ groupId: group, sessionTimeoutMs: 1, rebalanceTimeoutMs: 1, memberId: '' },
    ...{ protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }] },
    groupInstanceId: null,
  });
  add(apis.syncGroup, {
    ...{ groupId: group, generationId: 1, memberId: 'nobody', groupInstanceId: null },
    ...{ protocolType: 'consumer', protocolName: 'range', assignments: [] },
  });
  const member = { groupId: group, generationId: 1, memberId: 'nobody', groupInstanceId: null };
  add(apis.heartbeat, member);
  add(apis.leaveGroup, {
    ...{ groupId: group, memberId: 'nobody' },
    members: [{ memberId: 'nobody', groupInstanceId: null, reason: null }],
  });
  add(apis.describeGroups, { groups: [group], includeAuthorizedOperations: true });
  add(apis.listGroups, { statesFilter: [], typesFilter: [] });
  add(apis.deleteGroups, { groupsNames: ['absent', group].slice(0, 1) }, 'absent');
  add(apis.offsetDelete, {
    groupId: group,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0 }] }],
  });
  const heartbeat = {
    ...{ groupId: group, memberId: 'AAAAAAAAAAAAAAAAAAAAZA', memberEpoch: 5, instanceId: null },
    ...{ rackId: null, rebalanceTimeoutMs: -1, serverAssignor: null, topicPartitions: null },
    subscribedTopicRegex: null,
  };
  add(apis.consumerGroupHeartbeat, { ...heartbeat, subscribedTopicNames: null });
  add(apis.consumerGroupHeartbeat, { ...heartbeat, subscribedTopicNames: [topic] }, 'topics');
  add(apis.consumerGroupDescribe, { groupIds: [group], includeAuthorizedOperations: true });
  const creatable = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  add(apis.createTopics, {
    ...{ topics: [{ name: 'new', ...creatable }], timeoutMs: 1000, validateOnly: true },
  });
  add(apis.deleteTopics, {
    ...{ topics: [{ name: 'absent', topicId: noId }], topicNames: ['absent'], timeoutMs: 1000 },
  });
  add(apis.deleteTopics, { topics: [{ name: null, topicId: absentId }], timeoutMs: 1000 }, 'by id');
  add(apis.deleteRecords, {
    ...{ topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: 0 }] }] },
    timeoutMs: 1000,
  });
  add(apis.createPartitions, {
    ...{ topics: [{ name: topic, count: 1, assignments: null }], timeoutMs: 1000 },
    validateOnly: true,
  });
  const idempotent = { transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 };
  add(apis.initProducerId, { ...idempotent, transactionalId: null }, 'idempotent');
  add(apis.initProducerId, { ...idempotent, transactionalId }, 'transactional');
  add(apis.offsetForLeaderEpoch, {
    replicaId: -1,
    topics: [
      { topic, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] },
      { topic: 'absent', partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] },
    ],
  });
  const added = [
    { name: topic, partitions: [0] },
    { name: 'absent', partitions: [0] },
  ];
  add(apis.addPartitionsToTxn, {
    ...{ v3AndBelowTransactionalId: transactionalId, v3AndBelowProducerId: 4242 },
    ...{ v3AndBelowProducerEpoch: 0, v3AndBelowTopics: added },
    transactions: [{ transactionalId, ...producer, verifyOnly: false, topics: added.slice(0, 1) }],
  });
  add(apis.addOffsetsToTxn, { transactionalId, ...producer, groupId: group });
  add(apis.endTxn, { transactionalId, ...producer, committed: true });
  add(apis.writeTxnMarkers, {
    markers: [
      {
        ...{ producerId: 4242, producerEpoch: 0, transactionResult: false, coordinatorEpoch: 0 },
        topics: [{ name: 'absent', partitionIndexes: [0] }],
      },
    ],
  });
  const txnTopics = commitTopics.map(({ partitions, ...each }) => ({
    ...each,
    partitions: partitions.map((partition) => ({ ...partition, committedLeaderEpoch: -1 })),
  }));
  add(apis.txnOffsetCommit, {
    ...{ transactionalId, groupId: group, ...producer, generationId: 5, memberId: 'nobody' },
    ...{ groupInstanceId: null, topics: txnTopics },
  });
  const configured = [
    ...[2, 4, 16, 32].map((resourceType) => ({
      ...{ resourceType, configurationKeys: ['retention.ms'] },
      resourceName: { 2: topic, 4: '1', 16: 'metrics', 32: group }[resourceType] ?? '',
    })),
  ];
  add(apis.describeConfigs, { resources: configured });
  const altered = [
    { resourceType: 2, resourceName: topic, name: 'retention.ms', value: '1000' },
    { resourceType: 4, resourceName: '', name: 'log.retention.ms', value: '1000' },
    { resourceType: 32, resourceName: group, name: 'consumer.session.timeout.ms', value: '45000' },
  ].map(({ name, value, ...resource }) => ({
    ...resource,
    configs: [{ name, value, configOperation: 0 }],
  }));
  add(apis.alterConfigs, { resources: altered.slice(0, 2), validateOnly: true });
  add(apis.incrementalAlterConfigs, { resources: altered, validateOnly: true });
  add(apis.describeLogDirs, { topics: [{ topic, partitions: [0] }] });
  add(apis.alterReplicaLogDirs, {
    dirs: [{ path: '/nowhere', topics: [{ name: 'absent', partitions: [0] }] }],
  });
  add(apis.describeClientQuotas, { components: [], strict: false });
  add(apis.alterClientQuotas, {
    entries: [
      {
        entity: [{ entityType: 'user', entityName: 'u' }],
        ops: [{ key: 'producer_byte_rate', value: 1, remove: false }],
      },
    ],
    validateOnly: true,
  });
  add(apis.describeUserScramCredentials, { users: [{ name: 'u' }] });
  add(apis.alterUserScramCredentials, { deletions: [{ name: 'u', mechanism: 1 }], upsertions: [] });
  add(apis.describeCluster, {
    ...{ includeClusterAuthorizedOperations: true, endpointType: 1, includeFencedBrokers: false },
  });
  add(apis.listConfigResources, { resourceTypes: [16] });
  add(apis.alterPartitionReassignments, {
    ...{ timeoutMs: 1000, allowReplicationFactorChange: true },
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, replicas: null }] }],
  });
  add(apis.listPartitionReassignments, { timeoutMs: 1000, topics: null });
  add(apis.describeProducers, { topics: [{ name: topic, partitionIndexes: [0] }] });
  add(apis.describeQuorum, {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  });
  add(apis.electLeaders, {
    ...{ electionType: 0, topicPartitions: [{ topic, partitions: [0] }], timeoutMs: 1000 },
  });
  add(apis.describeTransactions, { transactionalIds: [transactionalId] });
  add(apis.listTransactions, {
    ...{ stateFilters: [], producerIdFilters: [], durationFilter: -1 },
    transactionalIdPattern: null,
  });
  add(apis.unregisterBroker, { brokerId: 99 });
  add(apis.updateFeatures, {
    ...{ timeoutMs: 1000, validateOnly: true },
    featureUpdates: [
      { feature: 'no.such.feature', maxVersionLevel: 1, allowDowngrade: false, upgradeType: 1 },
    ],
  });
  const ownerless = { ownerPrincipalType: null, ownerPrincipalName: null };
  add(apis.createDelegationToken, { ...ownerless, renewers: [], maxLifetimeMs: -1 });
  add(apis.renewDelegationToken, { hmac: Buffer.alloc(64), renewPeriodMs: -1 });
  add(apis.expireDelegationToken, { hmac: Buffer.alloc(64), expiryTimePeriodMs: -1 });
  add(apis.describeDelegationToken, { owners: null });
  const filter = {
    ...{ resourceTypeFilter: 2, resourceNameFilter: 'nobodys', patternTypeFilter: 3 },
    ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
  };
  add(apis.describeAcls, filter);
  add(apis.deleteAcls, { filters: [filter] });
  add(apis.createAcls, {
    creations: [
      {
        ...{ resourceType: 2, resourceName: 'a', resourcePatternType: 3, principal: 'nocolon' },
        ...{ host: '*', operation: 3, permissionType: 3 },
      },
    ],
  });
  return cases;
}
