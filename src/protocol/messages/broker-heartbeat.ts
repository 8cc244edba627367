// BrokerHeartbeat (key 63, KIP-631): keeps the session of a broker, and asks to be unfenced or to
// shut down.
//
// Versions: 1 adds offline log directories (KIP-858), 2 cordoned ones (KIP-1066).

import { array, bool, defineApi, int16, int32, int64 } from '../schema.ts';

export const brokerHeartbeat = defineApi({
  name: 'BrokerHeartbeat',
  key: 63,
  versions: '0-2',
  flexible: '0+',
  request: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    currentMetadataOffset: int64('0+'),
    wantFence: bool('0+'),
    wantShutDown: bool('0+'),
    offlineLogDirs: array('1+', 'uuid', { tag: 0 }),
    cordonedLogDirs: array('2+', 'uuid', { nullable: '2+', default: null, tag: 1 }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    isCaughtUp: bool('0+', { default: false }),
    isFenced: bool('0+', { default: true }),
    shouldShutDown: bool('0+'),
  },
});
