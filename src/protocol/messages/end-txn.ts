// EndTxn (key 26): commits or aborts a transaction.
//
// Versions: 2 may answer PRODUCER_FENCED (KIP-588). 3 is flexible. 4 may answer
// TRANSACTION_ABORTABLE. 5 answers with a new epoch for the next transaction (KIP-890).

import { bool, defineApi, int16, int32, int64, string } from '../schema.ts';

export const endTxn = defineApi({
  name: 'EndTxn',
  key: 26,
  versions: '0-5',
  flexible: '3+',
  request: {
    transactionalId: string('0+'),
    producerId: int64('0+', { compared: true }),
    producerEpoch: int16('0+'),
    committed: bool('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerId: int64('5+', { default: -1, ignorable: true }),
    producerEpoch: int16('5+', { default: -1, ignorable: true }),
  },
});
