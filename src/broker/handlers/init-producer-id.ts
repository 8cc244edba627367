// InitProducerId: a new producer id for an idempotent producer, or the next epoch of the one it
// has (KIP-360). Transactions have a coordinator of their own, which this broker does not have.

import { initProducerId, KafkaError } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

const epochMax = 32_767;

export const initProducerIdHandler = defineHandler(initProducerId, async (request, context) => {
  if (request.transactionalId !== null) {
    if (request.transactionalId === '') throw new KafkaError('INVALID_REQUEST');
    throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'transactions are not served here');
  }
  const { producerId, producerEpoch } = request;
  if (producerId < 0 !== producerEpoch < 0) {
    throw new KafkaError('INVALID_REQUEST', 'producer id and epoch come together or not at all');
  }
  if (producerId >= 0 && producerEpoch < epochMax - 1) {
    return { errorCode: 0, producerId, producerEpoch: producerEpoch + 1 };
  }
  return {
    errorCode: 0,
    producerId: await context.broker.producerIds.next(),
    producerEpoch: 0,
  };
});
