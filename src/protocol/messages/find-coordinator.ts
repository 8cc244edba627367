// FindCoordinator (key 10): the broker that coordinates a group or a transactional id.
//
// Versions: 1 adds keyType: 0 is a group, 1 a transactional id, 2 a share group. 3 is flexible. 4
// asks for several keys at once (KIP-699): key and the single answer are those of 0 to 3. 5 may
// answer TRANSACTION_ABORTABLE (KIP-890). 6 brings share groups (KIP-932).

import { array, defineApi, int8, int16, int32, string } from '../schema.ts';

export const findCoordinator = defineApi({
  name: 'FindCoordinator',
  key: 10,
  versions: '0-6',
  flexible: '3+',
  request: {
    key: string('0-3'),
    keyType: int8('1+', { default: 0 }),
    coordinatorKeys: array('4+', 'string'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', { nullable: '1-3', ignorable: true }),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: array('4+', {
      key: string('0+'),
      nodeId: int32('0+'),
      host: string('0+'),
      port: int32('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', ignorable: true }),
    }),
  },
});
