// ConsumerGroupDescribe: state and members of consumer groups of KIP-848.

import { consumerGroupDescribe, KafkaError } from '../../protocol/index.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { assertConsumerProtocol } from './group-client.ts';
import { groupOperations, operationsNotAsked } from './topic-answer.ts';

export const consumerGroupDescribeHandler = defineHandler(
  consumerGroupDescribe,
  async (request, context) => {
    const operations = request.includeAuthorizedOperations ? groupOperations : operationsNotAsked;
    const groups = await Promise.all(request.groupIds.map((groupId) => describe(groupId, context)));
    return {
      groups: groups.map((group) => ({
        ...group,
        authorizedOperations: group.errorCode === 0 ? operations : operationsNotAsked,
      })),
    };
  },
);

async function describe(groupId: string, context: RequestContext) {
  try {
    assertConsumerProtocol(context);
    return await context.broker.groups.describeConsumerGroup(groupId);
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
