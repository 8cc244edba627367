// ListTransactions (key 66, KIP-664).
//
// Versions: 1 filters by duration (KIP-994), 2 by a pattern of the transactional id (KIP-1152).

import { array, defineApi, int16, int32, int64, string } from '../schema.ts';

export const listTransactions = defineApi({
  name: 'ListTransactions',
  key: 66,
  versions: '0-2',
  flexible: '0+',
  request: {
    stateFilters: array('0+', 'string'),
    producerIdFilters: array('0+', 'int64', { compared: true }),
    durationFilter: int64('1+', { default: -1, compared: true }),
    transactionalIdPattern: string('2+', { nullable: '2+', default: null }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    unknownStateFilters: array('0+', 'string'),
    transactionStates: array('0+', {
      transactionalId: string('0+'),
      producerId: int64('0+'),
      transactionState: string('0+'),
    }),
  },
});
