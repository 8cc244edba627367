// LeaveGroup (key 13): members leave a classic group.
//
// Versions: 3 names several members, by id or instance id (KIP-345). 4 is flexible. 5 adds the
// reason (KIP-800).

import { array, defineApi, int16, int32, string } from '../schema.ts';

export const leaveGroup = defineApi({
  name: 'LeaveGroup',
  key: 13,
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string('0+'),
    memberId: string('0-2'),
    members: array('3+', {
      memberId: string('0+'),
      groupInstanceId: string('0+', { nullable: '0+', default: null }),
      reason: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    members: array('3+', {
      memberId: string('0+'),
      groupInstanceId: string('0+', { nullable: '0+' }),
      errorCode: int16('0+'),
    }),
  },
});
