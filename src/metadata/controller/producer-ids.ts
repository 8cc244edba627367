// Hands out producer ids in blocks, so that a broker asks once for a thousand producers.
//
// Invariant: no id is in two blocks, whatever crashes: the record with the next one is committed
// before the block is answered.

import type { Decision } from '../../machine/index.ts';
import { INT64_MAX, KafkaError } from '../../protocol/index.ts';
import type { MetadataRecord } from '../records/index.ts';
import type { AllocateProducerIdsRequest, ProducerIdBlock } from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { assertBrokerEpoch } from './registered-broker.ts';

export const PRODUCER_ID_BLOCK_SIZE = 1000;

export function allocateProducerIds(
  machine: ControllerMachine,
  request: AllocateProducerIdsRequest,
): Decision<MetadataRecord, ProducerIdBlock> {
  const { brokerId, brokerEpoch } = request;
  assertBrokerEpoch(machine.image, brokerId, brokerEpoch);
  const firstProducerId = machine.image.nextProducerId;
  if (firstProducerId > INT64_MAX - PRODUCER_ID_BLOCK_SIZE) {
    throw new KafkaError('UNKNOWN_SERVER_ERROR', 'All producer ids have been handed out.');
  }
  const nextProducerId = firstProducerId + PRODUCER_ID_BLOCK_SIZE;
  return {
    records: [{ type: 'ProducerIdsRecord', brokerId, brokerEpoch, nextProducerId }],
    response: { firstProducerId, count: PRODUCER_ID_BLOCK_SIZE },
  };
}
