// SyncGroup: answered when the leader has brought the assignment.

import { syncGroup } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const syncGroupHandler = defineHandler(syncGroup, (request, context) =>
  context.broker.groups.syncGroup(request),
);
