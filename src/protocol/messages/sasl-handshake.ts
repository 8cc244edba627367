// SaslHandshake, API key 17: versions 0 to 1.

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
