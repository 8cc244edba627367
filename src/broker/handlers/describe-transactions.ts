// DescribeTransactions: state, producer and partitions of transactions (KIP-664).

import { describeTransactions, KafkaError } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay, mayOnTopic } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

export const describeTransactionsHandler = defineHandler(
  describeTransactions,
  async ({ transactionalIds }, context) => ({
    transactionStates: await Promise.all(transactionalIds.map((id) => describe(id, context))),
  }),
);

async function describe(transactionalId: string, context: RequestContext) {
  try {
    assertMay(context, AclOperation.DESCRIBE, AclResource.TRANSACTIONAL_ID, transactionalId);
    const transaction = await context.broker.transactions.describe(transactionalId);
    const { producerId, producerEpoch, partitions } = transaction;
    return {
      errorCode: 0,
      transactionalId,
      transactionState: transaction.state,
      transactionTimeoutMs: transaction.timeoutMs,
      transactionStartTimeMs: transaction.startMs,
      producerId,
      producerEpoch,
      topics: [...partitions]
        .filter(([topic]) => mayOnTopic(context, AclOperation.DESCRIBE, topic))
        .map(([topic, indexes]) => ({ topic, partitions: [...indexes] })),
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
