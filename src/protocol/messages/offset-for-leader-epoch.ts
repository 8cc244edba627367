// OffsetForLeaderEpoch (key 23): where an epoch of a leader ended, so that a follower or consumer
// can find out where its log diverges.
//
// Versions: 1 answers with the epoch found. 2 fences by the current epoch (KIP-320). 3 adds the
// replica id. 4 is flexible.

import { array, defineApi, int16, int32, int64, string } from '../schema.ts';

export const offsetForLeaderEpoch = defineApi({
  name: 'OffsetForLeaderEpoch',
  key: 23,
  versions: '0-4',
  flexible: '4+',
  request: {
    replicaId: int32('3+', { default: -2, ignorable: true }),
    topics: array('0+', {
      topic: string('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        leaderEpoch: int32('0+'),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      topic: string('0+'),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partition: int32('0+'),
        leaderEpoch: int32('1+', { default: -1, ignorable: true }),
        endOffset: int64('0+', { default: -1 }),
      }),
    }),
  },
});
