// ReadShareGroupStateSummary (key 87, KIP-932): between group and share coordinator.
//
// Versions: 1 counts completed deliveries (KIP-1226).

import { array, defineApi, int16, int32, int64, string, uuid } from '../schema.ts';

export const readShareGroupStateSummary = defineApi({
  name: 'ReadShareGroupStateSummary',
  key: 87,
  versions: '0-1',
  flexible: '0+',
  request: {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        leaderEpoch: int32('0+'),
      }),
    }),
  },
  response: {
    results: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        stateEpoch: int32('0+'),
        leaderEpoch: int32('0+'),
        startOffset: int64('0+'),
        deliveryCompleteCount: int32('1+', { default: -1, ignorable: true }),
      }),
    }),
  },
});
