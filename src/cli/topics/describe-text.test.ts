// The lines of kafka-topics --describe.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  ConfigEntry,
  ConfigResourceDescription,
  PartitionDescription,
  TopicDescription,
} from '../../client/index.ts';
import { type DescribeFlags, describeText } from './describe-text.ts';
import { parseReplicaAssignment } from './replica-assignment.ts';

const partition = (changes: Partial<PartitionDescription>): PartitionDescription => ({
  partition: 0,
  leader: 1,
  leaderEpoch: 0,
  replicas: [1, 2],
  isr: [1, 2],
  offlineReplicas: [],
  eligibleLeaderReplicas: [],
  lastKnownElr: [],
  ...changes,
});

const topic: TopicDescription = {
  name: 't',
  error: null,
  topicId: 'bIL1H_YeR_CNnTffOC9rcw',
  isInternal: false,
  authorizedOperations: 0,
  partitions: [
    partition({}),
    partition({ partition: 1, isr: [1], eligibleLeaderReplicas: [2] }),
    partition({ partition: 2, leader: -1, isr: [], lastKnownElr: [2] }),
    partition({ partition: 3, eligibleLeaderReplicas: null, lastKnownElr: null }),
  ],
};

const entry = (name: string, value: string, source: ConfigEntry['source']): ConfigEntry => ({
  name,
  value,
  source,
  isReadOnly: false,
  isSensitive: false,
  documentation: null,
  synonyms: [],
});

const configs: ConfigResourceDescription = {
  type: 'topic',
  name: 't',
  error: null,
  configs: [
    entry('min.insync.replicas', '2', 'DYNAMIC_DEFAULT_BROKER_CONFIG'),
    entry('cleanup.policy', 'compact', 'DYNAMIC_TOPIC_CONFIG'),
    entry('segment.bytes', '1073741824', 'DEFAULT_CONFIG'),
  ],
};

function shownPartitions(flags: DescribeFlags): string[] {
  const text = describeText(topic, configs, flags);
  assert.doesNotMatch(text, /PartitionCount/);
  return [...text.matchAll(/Partition: (\d)/g)].map((match) => match[1] as string);
}

describe('the description of a topic', () => {
  test('has the layout of Kafka', () => {
    assert.equal(
      describeText(topic, configs, {}),
      'Topic: t\tTopicId: bIL1H_YeR_CNnTffOC9rcw\tPartitionCount: 4\tReplicationFactor: 2' +
        '\tConfigs: min.insync.replicas=2,cleanup.policy=compact\n' +
        '\tTopic: t\tPartition: 0\tLeader: 1\tReplicas: 1,2\tIsr: 1,2\tElr: \tLastKnownElr: \n' +
        '\tTopic: t\tPartition: 1\tLeader: 1\tReplicas: 1,2\tIsr: 1\tElr: 2\tLastKnownElr: \n' +
        '\tTopic: t\tPartition: 2\tLeader: none\tReplicas: 1,2\tIsr: \tElr: \tLastKnownElr: 2\n' +
        '\tTopic: t\tPartition: 3\tLeader: 1\tReplicas: 1,2\tIsr: 1,2' +
        '\tElr: N/A\tLastKnownElr: N/A\n',
    );
  });

  test('picks partitions by their state', () => {
    assert.deepEqual(shownPartitions({ underReplicatedPartitions: true }), ['1', '2']);
    assert.deepEqual(shownPartitions({ unavailablePartitions: true }), ['2']);
    assert.deepEqual(shownPartitions({ underMinIsrPartitions: true }), ['1', '2']);
    assert.deepEqual(shownPartitions({ atMinIsrPartitions: true }), ['0', '3']);
  });

  test('names only topics with overrides if asked to', () => {
    const flags = { topicsWithOverrides: true } as const;
    assert.match(describeText(topic, configs, flags), /^Topic: t\t[^\n]*\n$/);
    assert.equal(describeText(topic, { ...configs, configs: [] }, flags), '');
  });
});

describe('--replica-assignment', () => {
  test('has commas between partitions and colons between replicas', () => {
    assert.deepEqual(parseReplicaAssignment('1:2, 2:1'), [
      [1, 2],
      [2, 1],
    ]);
  });

  test('is refused if replicas repeat, differ in number, or are no ids', () => {
    assert.throws(() => parseReplicaAssignment('1:1'), /may not contain duplicate entries: 1/);
    assert.throws(() => parseReplicaAssignment('1:2,1'), /Partition 1 has different replication/);
    assert.throws(() => parseReplicaAssignment('1:b'), /takes broker ids/);
  });
});
