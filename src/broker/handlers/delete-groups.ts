// DeleteGroups: removes empty groups with all that they committed.

import { deleteGroups, KafkaError } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

export const deleteGroupsHandler = defineHandler(deleteGroups, async (request, context) => ({
  throttleTimeMs: 0,
  results: await Promise.all(
    request.groupsNames.map(async (groupId) => ({
      groupId,
      errorCode: await remove(groupId, context),
      errorMessage: null,
    })),
  ),
}));

async function remove(groupId: string, context: RequestContext): Promise<number> {
  try {
    assertMay(context, AclOperation.DELETE, AclResource.GROUP, groupId);
    return await context.broker.groups.deleteGroup(groupId);
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}
