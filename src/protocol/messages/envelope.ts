// Envelope (key 58, KIP-590): a request that a broker forwards to the controller, whole, with the
// principal and address it came from.

import { bytes, defineApi, int16 } from '../schema.ts';

export const envelope = defineApi({
  name: 'Envelope',
  key: 58,
  versions: '0',
  flexible: '0+',
  request: {
    requestData: bytes('0+'),
    requestPrincipal: bytes('0+', { nullable: '0+' }),
    clientHostAddress: bytes('0+'),
  },
  response: {
    responseData: bytes('0+', { nullable: '0+', default: null }),
    errorCode: int16('0+'),
  },
});
