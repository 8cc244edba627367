// ControlledShutdown, API key 7: versions 0 to 3.

import { array, defineApi, int16, int32, int64, string } from '../schema.ts';

export const controlledShutdown = defineApi({
  name: 'ControlledShutdown',
  key: 7,
  versions: '0-3',
  flexible: '3+',
  request: {
    brokerId: int32('0+'),
    brokerEpoch: int64('2+', { default: -1, ignorable: true }),
  },
  response: {
    errorCode: int16('0+'),
    remainingPartitions: array('0+', {
      topicName: string('0+'),
      partitionIndex: int32('0+'),
    }),
  },
});
