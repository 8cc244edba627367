// UnregisterBroker (key 64, KIP-631): forgets a broker that will not come back.

import { defineApi, int16, int32, string } from '../schema.ts';

export const unregisterBroker = defineApi({
  name: 'UnregisterBroker',
  key: 64,
  versions: '0',
  flexible: '0+',
  request: {
    brokerId: int32('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
});
