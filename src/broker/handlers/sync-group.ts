// SyncGroup: answered when the leader has brought the assignment.

import { syncGroup } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const syncGroupHandler = defineHandler(syncGroup, (request, context) => {
  assertMay(context, AclOperation.READ, AclResource.GROUP, request.groupId);
  return context.broker.groups.syncGroup(request);
});
