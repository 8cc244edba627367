// SaslAuthenticate (key 36): one token of a SASL exchange, each way (KIP-152).
//
// Versions: 1 answers with the lifetime of the session (KIP-368). 2 is flexible.

import { bytes, defineApi, int16, int64, string } from '../schema.ts';

export const saslAuthenticate = defineApi({
  name: 'SaslAuthenticate',
  key: 36,
  versions: '0-2',
  flexible: '2+',
  request: {
    authBytes: bytes('0+'),
  },
  response: {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    authBytes: bytes('0+'),
    sessionLifetimeMs: int64('1+', { default: 0, ignorable: true }),
  },
});
