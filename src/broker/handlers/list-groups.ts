// ListGroups: the groups that this broker coordinates; tools ask every broker.

import { listGroups } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const listGroupsHandler = defineHandler(listGroups, async (request, context) => ({
  errorCode: 0,
  groups: await context.broker.groups.listGroups({
    states: request.statesFilter,
    types: request.typesFilter,
  }),
}));
