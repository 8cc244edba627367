// Records of __transaction_state: one per transactional id, the last one wins. The key is preceded
// by its record type, the value by its version (encodeVersioned).
//
// Value 1 is flexible: its tagged fields carry what KIP-890 needs to bump epochs per transaction.

import { array, defineStruct, int8, int16, int32, int64, string } from '../schema.ts';

export const transactionLogKey = defineStruct({
  name: 'TransactionLogKey',
  recordType: 0,
  versions: '0',
  flexible: 'none',
  fields: {
    transactionalId: string('0+'),
  },
});

export const transactionLogValue = defineStruct({
  name: 'TransactionLogValue',
  versions: '0-1',
  flexible: '1+',
  fields: {
    producerId: int64('0+'),
    previousProducerId: int64('1+', { default: -1, tag: 0 }),
    nextProducerId: int64('1+', { default: -1, tag: 1 }),
    producerEpoch: int16('0+'),
    nextProducerEpoch: int16('1+', { default: -1, tag: 3 }),
    transactionTimeoutMs: int32('0+'),
    transactionStatus: int8('0+'),
    transactionPartitions: array(
      '0+',
      {
        topic: string('0+'),
        partitionIds: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
    transactionLastUpdateTimestampMs: int64('0+'),
    transactionStartTimestampMs: int64('0+'),
    clientTransactionVersion: int16('1+', { default: 0, tag: 2 }),
  },
});
