// AlterReplicaLogDirs (key 34): moves replicas to another log directory of their broker (KIP-113).
//
// Versions: 2 is flexible.

import { array, defineApi, int16, int32, string } from '../schema.ts';

export const alterReplicaLogDirs = defineApi({
  name: 'AlterReplicaLogDirs',
  key: 34,
  versions: '0-2',
  flexible: '2+',
  request: {
    dirs: array('0+', {
      path: string('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', 'int32'),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
});
