// Records of __consumer_offsets that every kind of group writes: committed offsets, and the state
// of a classic group. A key is preceded by its record type, a value by its version
// (encodeVersioned); a null value is a tombstone.
//
// Record type 0 is the offset key of old brokers, with the same fields as 1. OffsetCommitValue 1
// alone has expireTimestamp, 3 adds leaderEpoch, 4 is flexible and has topicId. GroupMetadataValue
// 1 adds rebalanceTimeout, 2 currentStateTimestamp, 3 groupInstanceId (KIP-345), 4 is flexible.

import { array, bytes, defineStruct, int32, int64, string, uuid } from '../schema.ts';

export const offsetCommitKey = defineStruct({
  name: 'OffsetCommitKey',
  recordType: 1,
  versions: '0',
  flexible: 'none',
  fields: {
    group: string('0+'),
    topic: string('0+'),
    partition: int32('0+'),
  },
});

export const legacyOffsetCommitKey = defineStruct({
  name: 'LegacyOffsetCommitKey',
  recordType: 0,
  versions: '0',
  flexible: 'none',
  fields: {
    group: string('0+'),
    topic: string('0+'),
    partition: int32('0+'),
  },
});

export const offsetCommitValue = defineStruct({
  name: 'OffsetCommitValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    offset: int64('0+'),
    leaderEpoch: int32('3+', { default: -1, ignorable: true }),
    metadata: string('0+'),
    commitTimestamp: int64('0+'),
    expireTimestamp: int64('1', { default: -1, ignorable: true }),
    topicId: uuid('4+', { tag: 0, ignorable: true }),
  },
});

export const groupMetadataKey = defineStruct({
  name: 'GroupMetadataKey',
  recordType: 2,
  versions: '0',
  flexible: 'none',
  fields: {
    group: string('0+'),
  },
});

export const groupMetadataValue = defineStruct({
  name: 'GroupMetadataValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    protocolType: string('0+'),
    generation: int32('0+'),
    protocol: string('0+', { nullable: '0+' }),
    leader: string('0+', { nullable: '0+' }),
    currentStateTimestamp: int64('2+', { default: -1, ignorable: true }),
    members: array('0+', {
      memberId: string('0+'),
      groupInstanceId: string('3+', { nullable: '3+', default: null, ignorable: true }),
      clientId: string('0+'),
      clientHost: string('0+'),
      rebalanceTimeout: int32('1+', { default: -1, ignorable: true }),
      sessionTimeout: int32('0+'),
      subscription: bytes('0+'),
      assignment: bytes('0+'),
    }),
  },
});
