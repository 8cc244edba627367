// RemoveRaftVoter (key 81, KIP-853).

import { defineApi, int16, int32, string, uuid } from '../schema.ts';

export const removeRaftVoter = defineApi({
  name: 'RemoveRaftVoter',
  key: 81,
  versions: '0',
  flexible: '0+',
  request: {
    clusterId: string('0+', { nullable: '0+' }),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', ignorable: true }),
  },
});
