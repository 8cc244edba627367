// AssignReplicasToDirs (KIP-858): a broker says in which of its log directories replicas lie.

import { assignReplicasToDirs } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';
import { assignmentAnswer, assignmentFromWire } from '../requests/replica-assignments.ts';

export const assignReplicasToDirsHandler = defineHandler(
  assignReplicasToDirs,
  async (request, { broker }) => {
    const asked = assignmentFromWire(request);
    return assignmentAnswer(asked, await broker.ownController.assignReplicasToDirs(asked));
  },
);
