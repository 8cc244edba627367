// AllocateProducerIds (KIP-730): a broker needs another block of producer ids.

import { allocateProducerIds } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const allocateProducerIdsHandler = defineHandler(
  allocateProducerIds,
  async (request, context) => {
    assertMayOnCluster(context, AclOperation.CLUSTER_ACTION);
    const block = await context.broker.ownController.allocateProducerIds(request);
    return { errorCode: 0, producerIdStart: block.firstProducerId, producerIdLen: block.count };
  },
);
