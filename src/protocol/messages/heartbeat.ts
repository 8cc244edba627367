// Heartbeat (key 12): a member of a classic group is alive, and learns of rebalances.
//
// Versions: 3 adds groupInstanceId (KIP-345). 4 is flexible.

import { defineApi, int16, int32, string } from '../schema.ts';

export const heartbeat = defineApi({
  name: 'Heartbeat',
  key: 12,
  versions: '0-4',
  flexible: '4+',
  request: {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
  },
});
