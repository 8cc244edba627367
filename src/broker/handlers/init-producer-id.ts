// InitProducerId: a producer id for an idempotent producer, and for a transactional id the one that
// fences its older producers. Without a transactional id the answer is a new id whatever id the
// client names, as with Kafka: such producers raise their own epoch, and some clients name id 0
// when they have none.

import { initProducerId, KafkaError, type RequestOf } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay, mayOnCluster, refusalOn } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { withoutProducerFenced } from './producer-fenced.ts';

/** Before KIP-588 a fenced producer heard of its epoch. */
const producerFencedVersionMin = 4;

export const initProducerIdHandler = defineHandler(initProducerId, async (request, context) => {
  const { producerId, producerEpoch } = request;
  if (producerId < 0 !== producerEpoch < 0) {
    throw new KafkaError('INVALID_REQUEST', 'producer id and epoch come together or not at all');
  }
  return { errorCode: 0, ...(await idFor(request, context)) };
});

async function idFor(request: RequestOf<typeof initProducerId>, context: RequestContext) {
  const { broker, apiVersion } = context;
  const { transactionalId } = request;
  if (transactionalId === null) {
    assertMayProduce(context);
    return { producerId: await broker.producerIds.next(), producerEpoch: 0 };
  }
  assertMay(context, AclOperation.WRITE, AclResource.TRANSACTIONAL_ID, transactionalId);
  const { transactionTimeoutMs: timeoutMs, producerId, producerEpoch } = request;
  return await withoutProducerFenced(
    apiVersion < producerFencedVersionMin,
    broker.transactions.initProducerId({ transactionalId, timeoutMs, producerId, producerEpoch }),
  );
}

/** Whoever may write to some topic may do so idempotently (KIP-679). */
function assertMayProduce(context: RequestContext): void {
  if (mayOnCluster(context, AclOperation.IDEMPOTENT_WRITE)) return;
  if (context.rights.authorizeByResourceType(AclOperation.WRITE, AclResource.TOPIC)) return;
  throw refusalOn(AclResource.CLUSTER);
}
