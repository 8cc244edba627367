// CreateDelegationToken (key 38, KIP-48).
//
// Versions: 2 is flexible. 3 can make a token for another owner (KIP-373).

import { array, bytes, defineApi, int16, int32, int64, string } from '../schema.ts';

export const createDelegationToken = defineApi({
  name: 'CreateDelegationToken',
  key: 38,
  versions: '0-3',
  flexible: '2+',
  request: {
    ownerPrincipalType: string('3+', { nullable: '3+' }),
    ownerPrincipalName: string('3+', { nullable: '3+' }),
    renewers: array('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
    }),
    maxLifetimeMs: int64('0+', { compared: true }),
  },
  response: {
    errorCode: int16('0+'),
    principalType: string('0+'),
    principalName: string('0+'),
    tokenRequesterPrincipalType: string('3+', { ignorable: true }),
    tokenRequesterPrincipalName: string('3+', { ignorable: true }),
    issueTimestampMs: int64('0+'),
    expiryTimestampMs: int64('0+'),
    maxTimestampMs: int64('0+'),
    tokenId: string('0+'),
    hmac: bytes('0+'),
    throttleTimeMs: int32('0+'),
  },
});
