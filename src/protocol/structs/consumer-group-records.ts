// Records of __consumer_offsets for the groups of KIP-848, whose assignment the broker computes:
// the group and its epoch, its members, the target assignment and what each member owns now. A key
// is preceded by its record type, a value by its version (encodeVersioned); null is a tombstone.

import { array, bytes, defineStruct, int8, int32, int64, string, struct, uuid } from '../schema.ts';

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
  // Empty by default in Kafka, although its definition says null: null is written as a tag.
  assignmentEpochs: array('0+', 'int32', { nullable: '0+', tag: 0 }),
} as const;

export const consumerGroupMetadataKey = defineStruct({
  name: 'ConsumerGroupMetadataKey',
  recordType: 3,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0+'),
  },
});

export const consumerGroupMetadataValue = defineStruct({
  name: 'ConsumerGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: int32('0+'),
    metadataHash: int64('0+', { default: 0, tag: 0 }),
  },
});

export const consumerGroupPartitionMetadataKey = defineStruct({
  name: 'ConsumerGroupPartitionMetadataKey',
  recordType: 4,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0+'),
  },
});

export const consumerGroupPartitionMetadataValue = defineStruct({
  name: 'ConsumerGroupPartitionMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topics: array('0+', {
      topicId: uuid('0+'),
      topicName: string('0+'),
      numPartitions: int32('0+'),
      partitionMetadata: array('0+', {
        partition: int32('0+'),
        racks: array('0+', 'string'),
      }),
    }),
  },
});

export const consumerGroupMemberMetadataKey = defineStruct({
  name: 'ConsumerGroupMemberMetadataKey',
  recordType: 5,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0+'),
    memberId: string('0+'),
  },
});

export const consumerGroupMemberMetadataValue = defineStruct({
  name: 'ConsumerGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: array('0+', 'string'),
    subscribedTopicRegex: string('0+', { nullable: '0+' }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    serverAssignor: string('0+', { nullable: '0+' }),
    // Not null by default in Kafka, although its definition says so: null is written as a tag.
    classicMemberMetadata: struct(
      '0+',
      {
        sessionTimeoutMs: int32('0+'),
        supportedProtocols: array('0+', {
          name: string('0+'),
          metadata: bytes('0+'),
        }),
      },
      { nullable: '0+', tag: 0 },
    ),
  },
});

export const consumerGroupTargetAssignmentMetadataKey = defineStruct({
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  recordType: 6,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0+'),
  },
});

export const consumerGroupTargetAssignmentMetadataValue = defineStruct({
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { default: 0, tag: 0, ignorable: true }),
  },
});

export const consumerGroupTargetAssignmentMemberKey = defineStruct({
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  recordType: 7,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0+'),
    memberId: string('0+'),
  },
});

export const consumerGroupTargetAssignmentMemberValue = defineStruct({
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topicPartitions: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', 'int32'),
    }),
  },
});

export const consumerGroupCurrentMemberAssignmentKey = defineStruct({
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  recordType: 8,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0+'),
    memberId: string('0+'),
  },
});

export const consumerGroupCurrentMemberAssignmentValue = defineStruct({
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: array('0+', topicPartitions),
    partitionsPendingRevocation: array('0+', topicPartitions),
  },
});

export const consumerGroupRegularExpressionKey = defineStruct({
  name: 'ConsumerGroupRegularExpressionKey',
  recordType: 16,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0+'),
    regularExpression: string('0+'),
  },
});

export const consumerGroupRegularExpressionValue = defineStruct({
  name: 'ConsumerGroupRegularExpressionValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topics: array('0+', 'string'),
    version: int64('0+'),
    timestamp: int64('0+'),
  },
});
