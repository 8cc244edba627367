// Kafka's metadata records about topics and their partitions.

import { array, defineStruct, int8, int32, string, uuid } from '../../protocol/index.ts';

export const topicRecord = defineStruct({
  name: 'TopicRecord',
  versions: '0',
  flexible: '0+',
  fields: { name: string('0+'), topicId: uuid('0+') },
});

export const partitionRecord = defineStruct({
  name: 'PartitionRecord',
  versions: '0-2',
  flexible: '0+',
  fields: {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    replicas: array('0+', 'int32'),
    isr: array('0+', 'int32'),
    removingReplicas: array('0+', 'int32'),
    addingReplicas: array('0+', 'int32'),
    leader: int32('0+', { default: -1 }),
    leaderRecoveryState: int8('0+', { default: 0, tag: 0 }),
    leaderEpoch: int32('0+', { default: -1 }),
    partitionEpoch: int32('0+', { default: -1 }),
    directories: array('1+', 'uuid'),
    eligibleLeaderReplicas: array('2+', 'int32', { nullable: '2+', default: null, tag: 1 }),
    lastKnownElr: array('2+', 'int32', { nullable: '2+', default: null, tag: 2 }),
  },
});

/** What a field of PartitionChangeRecord holds when it does not change. */
export const NO_LEADER_CHANGE = -2;
export const NO_RECOVERY_STATE_CHANGE = -1;

export const partitionChangeRecord = defineStruct({
  name: 'PartitionChangeRecord',
  versions: '0-2',
  flexible: '0+',
  fields: {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    isr: array('0+', 'int32', { nullable: '0+', default: null, tag: 0 }),
    leader: int32('0+', { default: NO_LEADER_CHANGE, tag: 1 }),
    replicas: array('0+', 'int32', { nullable: '0+', default: null, tag: 2 }),
    removingReplicas: array('0+', 'int32', { nullable: '0+', default: null, tag: 3 }),
    addingReplicas: array('0+', 'int32', { nullable: '0+', default: null, tag: 4 }),
    leaderRecoveryState: int8('0+', { default: NO_RECOVERY_STATE_CHANGE, tag: 5 }),
    directories: array('1+', 'uuid', { nullable: '1+', default: null, tag: 8 }),
    eligibleLeaderReplicas: array('2+', 'int32', { nullable: '2+', default: null, tag: 6 }),
    lastKnownElr: array('2+', 'int32', { nullable: '2+', default: null, tag: 7 }),
  },
});

export const removeTopicRecord = defineStruct({
  name: 'RemoveTopicRecord',
  versions: '0',
  flexible: '0+',
  fields: { topicId: uuid('0+') },
});
