// DescribeLogDirs (key 35): sizes of partitions by log directory (KIP-113).
//
// Versions: 2 is flexible. 3 has an error for the whole answer. 4 adds the size of the volume
// (KIP-827). 5 shows whether a directory is cordoned (KIP-1066).

import { array, bool, defineApi, int16, int32, int64, string } from '../schema.ts';

export const describeLogDirs = defineApi({
  name: 'DescribeLogDirs',
  key: 35,
  versions: '0-5',
  flexible: '2+',
  request: {
    topics: array(
      '0+',
      {
        topic: string('0+'),
        partitions: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('3+', { ignorable: true }),
    results: array('0+', {
      errorCode: int16('0+'),
      logDir: string('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          partitionSize: int64('0+'),
          offsetLag: int64('0+'),
          isFutureKey: bool('0+'),
        }),
      }),
      totalBytes: int64('4+', { default: -1, ignorable: true }),
      usableBytes: int64('4+', { default: -1, ignorable: true }),
      isCordoned: bool('5+', { default: false, ignorable: true }),
    }),
  },
});
