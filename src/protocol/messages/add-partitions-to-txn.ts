// AddPartitionsToTxn (key 24): partitions that a transaction is going to write.
//
// Versions: 2 may answer PRODUCER_FENCED (KIP-588). 3 is flexible, and the last for clients. 4 is
// for brokers: several transactions at once, and verification without adding (KIP-890). 5 may
// answer TRANSACTION_ABORTABLE.

import { array, bool, defineApi, int16, int32, int64, string } from '../schema.ts';

const addPartitionsToTxnTopic = {
  name: string('0+'),
  partitions: array('0+', 'int32'),
} as const;

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32('0+'),
  partitionErrorCode: int16('0+'),
} as const;

const addPartitionsToTxnTopicResult = {
  name: string('0+'),
  resultsByPartition: array('0+', addPartitionsToTxnPartitionResult),
} as const;

export const addPartitionsToTxn = defineApi({
  name: 'AddPartitionsToTxn',
  key: 24,
  versions: '0-5',
  flexible: '3+',
  request: {
    transactions: array('4+', {
      transactionalId: string('0+'),
      producerId: int64('0+', { compared: true }),
      producerEpoch: int16('0+'),
      verifyOnly: bool('0+', { default: false }),
      topics: array('0+', addPartitionsToTxnTopic),
    }),
    v3AndBelowTransactionalId: string('0-3'),
    v3AndBelowProducerId: int64('0-3', { compared: true }),
    v3AndBelowProducerEpoch: int16('0-3'),
    v3AndBelowTopics: array('0-3', addPartitionsToTxnTopic),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('4+', { ignorable: true }),
    resultsByTransaction: array('4+', {
      transactionalId: string('0+'),
      topicResults: array('0+', addPartitionsToTxnTopicResult),
    }),
    resultsByTopicV3AndBelow: array('0-3', addPartitionsToTxnTopicResult),
  },
});
