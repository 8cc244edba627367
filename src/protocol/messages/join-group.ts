// JoinGroup (key 11): becomes a member of a classic group, and waits for the others.
//
// Versions: 1 separates rebalanceTimeoutMs from the session timeout (KIP-62). 4 makes a new member
// come twice, the second time with the id it was given (KIP-394). 5 adds groupInstanceId
// (KIP-345). 6 is flexible. 7 answers with the protocol type (KIP-559). 8 adds the reason
// (KIP-800). 9 may tell the leader to skip the assignment (KIP-814).

import { array, bool, bytes, defineApi, int16, int32, string } from '../schema.ts';

export const joinGroup = defineApi({
  name: 'JoinGroup',
  key: 11,
  versions: '0-9',
  flexible: '6+',
  request: {
    groupId: string('0+'),
    sessionTimeoutMs: int32('0+'),
    rebalanceTimeoutMs: int32('1+', { default: -1, ignorable: true }),
    memberId: string('0+'),
    groupInstanceId: string('5+', { nullable: '5+', default: null }),
    protocolType: string('0+'),
    protocols: array('0+', {
      name: string('0+'),
      metadata: bytes('0+'),
    }),
    reason: string('8+', { nullable: '8+', default: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    errorCode: int16('0+'),
    generationId: int32('0+', { default: -1 }),
    protocolType: string('7+', { nullable: '7+', default: null, ignorable: true }),
    protocolName: string('0+', { nullable: '7+' }),
    leader: string('0+'),
    skipAssignment: bool('9+', { default: false }),
    memberId: string('0+'),
    members: array('0+', {
      memberId: string('0+'),
      groupInstanceId: string('5+', { nullable: '5+', default: null, ignorable: true }),
      metadata: bytes('0+'),
    }),
  },
});
