// ListGroups (key 16): the groups that this broker coordinates.
//
// Versions: 3 is flexible. 4 filters by state (KIP-518), 5 by type (KIP-848).

import { array, defineApi, int16, int32, string } from '../schema.ts';

export const listGroups = defineApi({
  name: 'ListGroups',
  key: 16,
  versions: '0-5',
  flexible: '3+',
  request: {
    statesFilter: array('4+', 'string'),
    typesFilter: array('5+', 'string'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    groups: array('0+', {
      groupId: string('0+'),
      protocolType: string('0+'),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true }),
    }),
  },
});
