// BrokerHeartbeat (KIP-631): a broker lives, has read the metadata up to here, has lost
// directories, or wants to stop.

import { brokerHeartbeat } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const brokerHeartbeatHandler = defineHandler(
  brokerHeartbeat,
  async ({ cordonedLogDirs: _, ...request }, context) => {
    assertMayOnCluster(context, AclOperation.CLUSTER_ACTION);
    return { errorCode: 0, ...(await context.broker.ownController.brokerHeartbeat(request)) };
  },
);
