// BrokerHeartbeat (KIP-631): a broker lives, has read the metadata up to here, has lost
// directories, or wants to stop.

import { brokerHeartbeat } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const brokerHeartbeatHandler = defineHandler(
  brokerHeartbeat,
  async ({ cordonedLogDirs: _, ...request }, { broker }) => {
    return { errorCode: 0, ...(await broker.ownController.brokerHeartbeat(request)) };
  },
);
