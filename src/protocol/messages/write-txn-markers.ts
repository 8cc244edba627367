// WriteTxnMarkers (key 27): the transaction coordinator has the leaders write the ends of a
// transaction.
//
// Versions: 1 is flexible. 2 adds the version of the transaction protocol (KIP-1228).

import { array, bool, defineApi, int8, int16, int32, int64, string } from '../schema.ts';

export const writeTxnMarkers = defineApi({
  name: 'WriteTxnMarkers',
  key: 27,
  versions: '0-2',
  flexible: '1+',
  request: {
    markers: array('0+', {
      producerId: int64('0+'),
      producerEpoch: int16('0+'),
      transactionResult: bool('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitionIndexes: array('0+', 'int32'),
      }),
      coordinatorEpoch: int32('0+'),
      transactionVersion: int8('2+', { default: 0, ignorable: true }),
    }),
  },
  response: {
    markers: array('0+', {
      producerId: int64('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    }),
  },
});
