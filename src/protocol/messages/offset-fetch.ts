// OffsetFetch (key 9): reads the positions of a group.
//
// Versions: 0 read them from ZooKeeper. 2 can ask for all topics with null, and has an error for
// the whole group. 5 adds the leader epoch (KIP-320). 6 is flexible. 7 can insist on stable
// offsets (KIP-447). 8 asks for several groups at once (KIP-709): the fields outside of groups are
// those of 0 to 7. 9 adds the member, for groups of KIP-848. 10 has topic ids instead of names.

import { array, bool, defineApi, int16, int32, int64, string, uuid } from '../schema.ts';

export const offsetFetch = defineApi({
  name: 'OffsetFetch',
  key: 9,
  versions: '0-10',
  flexible: '6+',
  request: {
    groupId: string('0-7'),
    topics: array(
      '0-7',
      {
        name: string('0+'),
        partitionIndexes: array('0+', 'int32'),
      },
      { nullable: '2-7' },
    ),
    groups: array('8+', {
      groupId: string('0+'),
      memberId: string('9+', { nullable: '9+', default: null, ignorable: true }),
      memberEpoch: int32('9+', { default: -1, ignorable: true }),
      topics: array(
        '0+',
        {
          name: string('0-9', { ignorable: true }),
          topicId: uuid('10+', { ignorable: true }),
          partitionIndexes: array('0+', 'int32'),
        },
        { nullable: '0+' },
      ),
    }),
    requireStable: bool('7+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: array('0-7', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        committedOffset: int64('0+'),
        committedLeaderEpoch: int32('5+', { default: -1, ignorable: true }),
        metadata: string('0+', { nullable: '0+' }),
        errorCode: int16('0+'),
      }),
    }),
    errorCode: int16('2-7', { default: 0, ignorable: true }),
    groups: array('8+', {
      groupId: string('0+'),
      topics: array('0+', {
        name: string('0-9', { ignorable: true }),
        topicId: uuid('10+', { ignorable: true }),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          committedOffset: int64('0+'),
          committedLeaderEpoch: int32('0+', { default: -1, ignorable: true }),
          metadata: string('0+', { nullable: '0+' }),
          errorCode: int16('0+'),
        }),
      }),
      errorCode: int16('0+', { default: 0 }),
    }),
  },
});
