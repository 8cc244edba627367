// OffsetCommit (key 8): stores the positions of a group.
//
// Versions: 0 kept them in ZooKeeper; 1 adds the member and a timestamp per offset; 2 to 4 have a
// retention time instead, gone in 5 (KIP-211). 6 adds the leader epoch (KIP-320), 7
// groupInstanceId (KIP-345). 8 is flexible. 9 may be used by groups of KIP-848, whose generation
// is a member epoch. 10 has topic ids instead of names.

import { array, defineApi, int16, int32, int64, string, uuid } from '../schema.ts';

export const offsetCommit = defineApi({
  name: 'OffsetCommit',
  key: 8,
  versions: '0-10',
  flexible: '8+',
  request: {
    groupId: string('0+'),
    generationIdOrMemberEpoch: int32('1+', { default: -1, ignorable: true }),
    memberId: string('1+', { ignorable: true }),
    groupInstanceId: string('7+', { nullable: '7+', default: null }),
    retentionTimeMs: int64('2-4', { default: -1, ignorable: true, compared: true }),
    topics: array('0+', {
      name: string('0-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        committedOffset: int64('0+'),
        committedLeaderEpoch: int32('6+', { default: -1, ignorable: true }),
        commitTimestamp: int64('1', { default: -1 }),
        committedMetadata: string('0+', { nullable: '0+' }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: array('0+', {
      name: string('0-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
});
