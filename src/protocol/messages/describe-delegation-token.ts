// DescribeDelegationToken (key 41, KIP-48).
//
// Versions: 2 is flexible. 3 shows who asked for the token (KIP-373).

import { array, bytes, defineApi, int16, int32, int64, string } from '../schema.ts';

export const describeDelegationToken = defineApi({
  name: 'DescribeDelegationToken',
  key: 41,
  versions: '0-3',
  flexible: '2+',
  request: {
    owners: array(
      '0+',
      {
        principalType: string('0+'),
        principalName: string('0+'),
      },
      { nullable: '0+' },
    ),
  },
  response: {
    errorCode: int16('0+'),
    tokens: array('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
      tokenRequesterPrincipalType: string('3+', { ignorable: true }),
      tokenRequesterPrincipalName: string('3+', { ignorable: true }),
      issueTimestamp: int64('0+'),
      expiryTimestamp: int64('0+'),
      maxTimestamp: int64('0+'),
      tokenId: string('0+'),
      hmac: bytes('0+'),
      renewers: array('0+', {
        principalType: string('0+'),
        principalName: string('0+'),
      }),
    }),
    throttleTimeMs: int32('0+'),
  },
});
