// DeleteGroups (key 42): only empty groups can be deleted.
//
// Versions: 2 is flexible. 3 adds messages.

import { array, defineApi, int16, int32, string } from '../schema.ts';

export const deleteGroups = defineApi({
  name: 'DeleteGroups',
  key: 42,
  versions: '0-3',
  flexible: '2+',
  request: {
    groupsNames: array('0+', 'string'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      groupId: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('3+', { nullable: '3+', default: null, ignorable: true }),
    }),
  },
});
