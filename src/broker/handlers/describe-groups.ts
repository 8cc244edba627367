// DescribeGroups: state and members of classic groups.

import { describeGroups, KafkaError } from '../../protocol/index.ts';
import {
  AclOperation,
  AclResource,
  assertMay,
  authorizedOperations,
  operationsNotAsked,
} from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

/** Since this version a group that is not there is an error (KIP-1043). */
const missingIsErrorVersionMin = 6;

export const describeGroupsHandler = defineHandler(describeGroups, async (request, context) => {
  const isAsked = request.includeAuthorizedOperations;
  const groups = await Promise.all(request.groups.map((groupId) => describe(groupId, context)));
  return {
    groups: groups.map((group) => ({
      ...group,
      authorizedOperations:
        isAsked && group.errorCode === 0
          ? authorizedOperations(context, AclResource.GROUP, group.groupId)
          : operationsNotAsked,
    })),
  };
});

async function describe(groupId: string, context: RequestContext) {
  const isErrorWhenMissing = context.apiVersion >= missingIsErrorVersionMin;
  try {
    assertMay(context, AclOperation.DESCRIBE, AclResource.GROUP, groupId);
    return await context.broker.groups.describeGroup(groupId, isErrorWhenMissing);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return {
      errorCode: error.code,
      errorMessage: isErrorWhenMissing ? error.message : null,
      groupId,
      groupState: '',
      protocolType: '',
      protocolData: '',
      members: [],
    };
  }
}
