// What a broker that is a member of a cluster serves: all that clients ask of a broker, and what
// brokers ask of each other.

import { apiVersions } from '../../protocol/index.ts';
import type { Handler } from '../handler.ts';
import { allocateProducerIdsHandler } from './allocate-producer-ids.ts';
import { alterPartitionHandler } from './alter-partition.ts';
import { apiVersionsHandler } from './api-versions.ts';
import { assignReplicasToDirsHandler } from './assign-replicas-to-dirs.ts';
import { brokerHeartbeatHandler } from './broker-heartbeat.ts';
import { brokerRegistrationHandler } from './broker-registration.ts';
import { envelopeHandler } from './envelope.ts';
import { handlers } from './index.ts';

export const memberHandlers: readonly Handler[] = [
  ...handlers.filter(({ api }) => api.key !== apiVersions.key),
  apiVersionsHandler(() => memberHandlers),
  alterPartitionHandler,
  envelopeHandler,
  brokerRegistrationHandler,
  brokerHeartbeatHandler,
  allocateProducerIdsHandler,
  assignReplicasToDirsHandler,
];
