// ConsumerGroupDescribe: state and members of consumer groups of KIP-848.

import { consumerGroupDescribe, KafkaError } from '../../protocol/index.ts';
import {
  AclOperation,
  AclResource,
  assertMay,
  authorizedOperations,
  mayOnTopic,
  operationsNotAsked,
} from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { assertConsumerProtocol } from './group-client.ts';

export const consumerGroupDescribeHandler = defineHandler(
  consumerGroupDescribe,
  async (request, context) => {
    const isAsked = request.includeAuthorizedOperations;
    const groups = await Promise.all(request.groupIds.map((groupId) => describe(groupId, context)));
    return {
      groups: groups.map((group) => ({
        ...group,
        authorizedOperations:
          isAsked && group.errorCode === 0
            ? authorizedOperations(context, AclResource.GROUP, group.groupId)
            : operationsNotAsked,
      })),
    };
  },
);

async function describe(groupId: string, context: RequestContext) {
  try {
    assertConsumerProtocol(context);
    assertMay(context, AclOperation.DESCRIBE, AclResource.GROUP, groupId);
    const group = await context.broker.groups.describeConsumerGroup(groupId);
    if (context.rights.isBound) assertMaySeeTopics(group, context);
    return group;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return {
      errorCode: error.code,
      errorMessage: error.message,
      groupId,
      groupState: '',
      groupEpoch: 0,
      assignmentEpoch: 0,
      assignorName: '',
      members: [],
    };
  }
}

/** What is assigned in the group names topics. */
function assertMaySeeTopics(
  { members }: Awaited<ReturnType<RequestContext['broker']['groups']['describeConsumerGroup']>>,
  context: RequestContext,
): void {
  for (const { assignment, targetAssignment } of members) {
    for (const { topicName } of [
      ...assignment.topicPartitions,
      ...targetAssignment.topicPartitions,
    ]) {
      if (mayOnTopic(context, AclOperation.DESCRIBE, topicName)) continue;
      const why = 'The described group uses topics that the client is not authorized to describe.';
      throw new KafkaError('TOPIC_AUTHORIZATION_FAILED', why);
    }
  }
}
