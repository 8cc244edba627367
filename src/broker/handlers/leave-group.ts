// LeaveGroup: members leave a classic group.

import { leaveGroup } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const leaveGroupHandler = defineHandler(leaveGroup, (request, context) => {
  assertMay(context, AclOperation.READ, AclResource.GROUP, request.groupId);
  return context.broker.groups.leaveGroup(request, context.apiVersion);
});
