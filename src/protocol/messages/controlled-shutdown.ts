// ControlledShutdown (key 7): a broker asked the controller of a ZooKeeper cluster to move its
// leaders away. Kept because version 0 is the only user of request header 0.
//
// Versions: 2 adds the broker epoch (KIP-380). 3 is flexible.

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
