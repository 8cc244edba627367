// InitProducerId (key 22): a producer id, and for a transactional id the fencing of its older
// producers.
//
// Versions: 2 is flexible. 3 lets a producer go on after INVALID_PRODUCER_EPOCH (KIP-360). 4 may
// answer PRODUCER_FENCED (KIP-588), 5 TRANSACTION_ABORTABLE (KIP-890). 6 (two-phase commit,
// KIP-939) is not stable in Kafka 4.4, and is left out.

import { defineApi, int16, int32, int64, string } from '../schema.ts';

export const initProducerId = defineApi({
  name: 'InitProducerId',
  key: 22,
  versions: '0-5',
  flexible: '2+',
  request: {
    transactionalId: string('0+', { nullable: '0+' }),
    transactionTimeoutMs: int32('0+'),
    producerId: int64('3+', { default: -1, compared: true }),
    producerEpoch: int16('3+', { default: -1 }),
  },
  response: {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    producerId: int64('0+', { default: -1 }),
    producerEpoch: int16('0+'),
  },
});
