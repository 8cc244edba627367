// AlterPartition (KIP-497): a leader asks the controller for other in-sync replicas.

import { alterPartition } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { alterationAnswer, alterationFromWire } from '../requests/partition-alterations.ts';

export const alterPartitionHandler = defineHandler(alterPartition, async (request, context) => {
  assertMayOnCluster(context, AclOperation.CLUSTER_ACTION);
  const asked = alterationFromWire(request, context.apiVersion);
  return alterationAnswer(await context.broker.ownController.alterPartition(asked));
});
