// AddOffsetsToTxn (key 25): a group whose offsets a transaction is going to commit.
//
// Versions: 2 may answer PRODUCER_FENCED (KIP-588). 3 is flexible. 4 may answer
// TRANSACTION_ABORTABLE (KIP-890).

import { defineApi, int16, int32, int64, string } from '../schema.ts';

export const addOffsetsToTxn = defineApi({
  name: 'AddOffsetsToTxn',
  key: 25,
  versions: '0-4',
  flexible: '3+',
  request: {
    transactionalId: string('0+'),
    producerId: int64('0+', { compared: true }),
    producerEpoch: int16('0+'),
    groupId: string('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
  },
});
