// LeaveGroup: members leave a classic group.

import { leaveGroup } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const leaveGroupHandler = defineHandler(leaveGroup, (request, context) =>
  context.broker.groups.leaveGroup(request, context.apiVersion),
);
