// ListOffsets (key 2): the offset for a timestamp, or for one of the special ones below zero.
//
// Versions: 0 answers with a list of offsets (oldStyleOffsets, at most maxNumOffsets); 1 with one
// offset and its timestamp. 2 adds isolationLevel, 4 leader epochs (KIP-320). 6 is flexible. 7
// knows the offset of the largest timestamp, -3 (KIP-734); 8, 9 and 11 know ends of the local and
// remote log: -4 (KIP-405), -5 (KIP-1005), -6 (KIP-1023). 10 has a timeout for remote lookups
// (KIP-1075).

import { array, defineApi, int8, int16, int32, int64, string } from '../schema.ts';

export const listOffsets = defineApi({
  name: 'ListOffsets',
  key: 2,
  versions: '0-11',
  flexible: '6+',
  request: {
    replicaId: int32('0+'),
    isolationLevel: int8('2+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: int64('0+', { compared: true }),
        maxNumOffsets: int32('0', { default: 1 }),
      }),
    }),
    timeoutMs: int32('10+', { ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        oldStyleOffsets: array('0', 'int64'),
        timestamp: int64('1+', { default: -1 }),
        offset: int64('1+', { default: -1 }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
});
