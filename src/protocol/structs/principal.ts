// Who a forwarded request came from, as the broker that authenticated it tells the controller in an
// Envelope. Preceded by its version as an int16.

import { bool, defineStruct, string } from '../schema.ts';

export const principal = defineStruct({
  name: 'Principal',
  versions: '0',
  flexible: '0+',
  fields: {
    type: string('0+'),
    name: string('0+'),
    tokenAuthenticated: bool('0+'),
  },
});
