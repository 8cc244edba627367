// InitProducerId: a new producer id for an idempotent producer. Without a transactional id the
// answer is a new id whatever id the client names, as with Kafka: such producers raise their own
// epoch, and some clients name id 0 when they have none. Transactions have a coordinator of their
// own, which this broker does not have.

import { initProducerId, KafkaError } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const initProducerIdHandler = defineHandler(initProducerId, async (request, context) => {
  if (request.transactionalId !== null) {
    if (request.transactionalId === '') throw new KafkaError('INVALID_REQUEST');
    throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'transactions are not served here');
  }
  const { producerId, producerEpoch } = request;
  if (producerId < 0 !== producerEpoch < 0) {
    throw new KafkaError('INVALID_REQUEST', 'producer id and epoch come together or not at all');
  }
  return {
    errorCode: 0,
    producerId: await context.broker.producerIds.next(),
    producerEpoch: 0,
  };
});
