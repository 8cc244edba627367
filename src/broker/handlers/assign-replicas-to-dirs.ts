// AssignReplicasToDirs (KIP-858): a broker says in which of its log directories replicas lie.

import { assignReplicasToDirs } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { assignmentAnswer, assignmentFromWire } from '../requests/replica-assignments.ts';

export const assignReplicasToDirsHandler = defineHandler(
  assignReplicasToDirs,
  async (request, context) => {
    assertMayOnCluster(context, AclOperation.CLUSTER_ACTION);
    const asked = assignmentFromWire(request);
    return assignmentAnswer(asked, await context.broker.ownController.assignReplicasToDirs(asked));
  },
);
