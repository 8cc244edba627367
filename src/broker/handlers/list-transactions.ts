// ListTransactions: the transactional ids that this broker coordinates; tools ask every broker.

import { listTransactions } from '../../protocol/index.ts';
import { AclOperation, AclResource } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const listTransactionsHandler = defineHandler(listTransactions, async (request, context) => {
  const { transactions, unknownStates } = await context.broker.transactions.list({
    states: request.stateFilters,
    producerIds: request.producerIdFilters,
    durationMs: request.durationFilter,
    idPattern: request.transactionalIdPattern,
  });
  const { rights } = context;
  const visible = transactions.filter(({ transactionalId: id }) => {
    return rights.authorize(AclOperation.DESCRIBE, AclResource.TRANSACTIONAL_ID, id);
  });
  return {
    errorCode: 0,
    unknownStateFilters: unknownStates,
    transactionStates: visible.map(({ state: transactionState, ...transaction }) => {
      return { ...transaction, transactionState };
    }),
  };
});
