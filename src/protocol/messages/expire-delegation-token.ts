// ExpireDelegationToken (key 40, KIP-48).
//
// Versions: 2 is flexible.

import { bytes, defineApi, int16, int32, int64 } from '../schema.ts';

export const expireDelegationToken = defineApi({
  name: 'ExpireDelegationToken',
  key: 40,
  versions: '0-2',
  flexible: '2+',
  request: {
    hmac: bytes('0+'),
    expiryTimePeriodMs: int64('0+', { compared: true }),
  },
  response: {
    errorCode: int16('0+'),
    expiryTimestampMs: int64('0+'),
    throttleTimeMs: int32('0+'),
  },
});
