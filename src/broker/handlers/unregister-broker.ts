// UnregisterBroker (KIP-631): forgets a broker that will not come back.

import { KafkaError, unregisterBroker } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const unregisterBrokerHandler = defineHandler(
  unregisterBroker,
  async ({ brokerId }, context) => {
    assertMayOnCluster(context, AclOperation.ALTER);
    const { broker, client } = context;
    // One of several registers again by itself. One on its own would be gone until it is started
    // anew: it has registered once, and nobody else is there to serve.
    const isAlone = broker.inSync === null;
    if (isAlone && brokerId === broker.nodeId) {
      throw new KafkaError('INVALID_REQUEST', `broker ${brokerId} is running: stop it first`);
    }
    await broker.controllerFor(client).unregisterBroker(brokerId);
    return { errorCode: 0, errorMessage: null };
  },
);
