// ListGroups: the groups that this broker coordinates; tools ask every broker.

import { listGroups } from '../../protocol/index.ts';
import { AclOperation, AclResource, mayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const listGroupsHandler = defineHandler(listGroups, async (request, context) => {
  const groups = await context.broker.groups.listGroups({
    states: request.statesFilter,
    types: request.typesFilter,
  });
  const { rights } = context;
  const maySeeAll = mayOnCluster(context, AclOperation.DESCRIBE);
  const maySee = (groupId: string): boolean => {
    return maySeeAll || rights.authorize(AclOperation.DESCRIBE, AclResource.GROUP, groupId);
  };
  return { errorCode: 0, groups: groups.filter(({ groupId }) => maySee(groupId)) };
});
