// DescribeTransactions: state, producer and partitions of transactions (KIP-664).

import { describeTransactions, KafkaError } from '../../protocol/index.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

export const describeTransactionsHandler = defineHandler(
  describeTransactions,
  async ({ transactionalIds }, context) => ({
    transactionStates: await Promise.all(transactionalIds.map((id) => describe(id, context))),
  }),
);

async function describe(transactionalId: string, { broker }: RequestContext) {
  try {
    const transaction = await broker.transactions.describe(transactionalId);
    const { producerId, producerEpoch, partitions } = transaction;
    return {
      errorCode: 0,
      transactionalId,
      transactionState: transaction.state,
      transactionTimeoutMs: transaction.timeoutMs,
      transactionStartTimeMs: transaction.startMs,
      producerId,
      producerEpoch,
      topics: [...partitions].map(([topic, indexes]) => ({ topic, partitions: [...indexes] })),
    };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { ...nothing, errorCode: error.code, transactionalId };
  }
}

const nothing = {
  transactionState: '',
  transactionTimeoutMs: 0,
  transactionStartTimeMs: 0,
  producerId: 0,
  producerEpoch: 0,
  topics: [],
};
