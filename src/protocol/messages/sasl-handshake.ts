// SaslHandshake (key 17): chooses the SASL mechanism.
//
// Versions: After 0 the tokens follow as bare frames, after 1 as SaslAuthenticate requests
// (KIP-152).

import { array, defineApi, int16, string } from '../schema.ts';

export const saslHandshake = defineApi({
  name: 'SaslHandshake',
  key: 17,
  versions: '0-1',
  flexible: 'none',
  request: {
    mechanism: string('0+'),
  },
  response: {
    errorCode: int16('0+'),
    mechanisms: array('0+', 'string'),
  },
});
