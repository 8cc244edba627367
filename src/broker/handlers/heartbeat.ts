// Heartbeat: a member of a classic group is alive.

import { heartbeat } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const heartbeatHandler = defineHandler(heartbeat, async (request, context) => {
  assertMay(context, AclOperation.READ, AclResource.GROUP, request.groupId);
  await context.broker.groups.heartbeat(request);
  return { errorCode: 0 };
});
