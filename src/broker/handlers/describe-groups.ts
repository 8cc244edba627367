// DescribeGroups: state and members of classic groups.

import { describeGroups, KafkaError } from '../../protocol/index.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { groupOperations, operationsNotAsked } from './topic-answer.ts';

/** Since this version a group that is not there is an error (KIP-1043). */
const missingIsErrorVersionMin = 6;

export const describeGroupsHandler = defineHandler(describeGroups, async (request, context) => {
  const authorizedOperations = request.includeAuthorizedOperations
    ? groupOperations
    : operationsNotAsked;
  const groups = await Promise.all(request.groups.map((groupId) => describe(groupId, context)));
  return {
    groups: groups.map((group) => ({
      ...group,
      authorizedOperations: group.errorCode === 0 ? authorizedOperations : operationsNotAsked,
    })),
  };
});

async function describe(groupId: string, context: RequestContext) {
  const isErrorWhenMissing = context.apiVersion >= missingIsErrorVersionMin;
  try {
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
