// EndTxn: commits or aborts. Version 5 is the second protocol of KIP-890: the answer is the epoch,
// or the producer id, of the next transaction.

import { endTxn } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { withoutProducerFenced } from './producer-fenced.ts';

/** Before KIP-588 a fenced producer heard of its epoch. */
const producerFencedVersionMin = 2;
const secondProtocolVersionMin = 5;

export const endTxnHandler = defineHandler(endTxn, async (request, context) => {
  const { broker, apiVersion } = context;
  const { committed: isCommit, ...producer } = request;
  const { transactionalId } = producer;
  assertMay(context, AclOperation.WRITE, AclResource.TRANSACTIONAL_ID, transactionalId);
  const transactionVersion = apiVersion >= secondProtocolVersionMin ? 2 : 0;
  const next = await withoutProducerFenced(
    apiVersion < producerFencedVersionMin,
    broker.transactions.endTxn({ ...producer, isCommit, transactionVersion }),
  );
  return { errorCode: 0, ...(transactionVersion >= 2 ? next : {}) };
});
