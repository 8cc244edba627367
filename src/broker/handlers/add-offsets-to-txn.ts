// AddOffsetsToTxn: the offsets of a group are going to be committed with the transaction. The
// partition in which the group keeps them becomes one of the transaction's.

import { addOffsetsToTxn } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { withoutProducerFenced } from './producer-fenced.ts';

/** Before KIP-588 a fenced producer heard of its epoch. */
const producerFencedVersionMin = 2;

export const addOffsetsToTxnHandler = defineHandler(addOffsetsToTxn, async (request, context) => {
  const { transactionalId, groupId } = request;
  assertMay(context, AclOperation.WRITE, AclResource.TRANSACTIONAL_ID, transactionalId);
  assertMay(context, AclOperation.READ, AclResource.GROUP, groupId);
  await withoutProducerFenced(
    context.apiVersion < producerFencedVersionMin,
    context.broker.transactions.addOffsets(request),
  );
  return { errorCode: 0 };
});
