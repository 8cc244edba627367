// AllocateProducerIds (key 67, KIP-730): the controller gives a broker a block of producer ids.

import { defineApi, int16, int32, int64 } from '../schema.ts';

export const allocateProducerIds = defineApi({
  name: 'AllocateProducerIds',
  key: 67,
  versions: '0',
  flexible: '0+',
  request: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerIdStart: int64('0+'),
    producerIdLen: int32('0+'),
  },
});
