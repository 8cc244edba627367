// UnregisterBroker (KIP-631): forgets a broker that will not come back.

import { KafkaError, unregisterBroker } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const unregisterBrokerHandler = defineHandler(
  unregisterBroker,
  async ({ brokerId }, { broker }) => {
    // Kafka lets a broker that runs be forgotten, and it fences itself. Here it is the controller
    // too: nobody would be left to register it again.
    if (brokerId === broker.nodeId) {
      throw new KafkaError('INVALID_REQUEST', `broker ${brokerId} is running: stop it first`);
    }
    await broker.controller.unregisterBroker(brokerId);
    return { errorCode: 0, errorMessage: null };
  },
);
