// Describing one group of either kind: ConsumerGroupDescribe knows those of KIP-848 only, and
// DescribeGroups the classic ones.

import type { ClientConnection } from '../../network/index.ts';
import {
  consumerGroupDescribe,
  describeGroups,
  ErrorCode,
  KafkaError,
  type ResponseOf,
} from '../../protocol/index.ts';
import { decodeAssignment, decodeSubscription } from '../consumer/assignors/index.ts';
import type { CoordinatorAddress } from '../coordinator-requests.ts';
import type { TopicPartition } from '../leader-requests.ts';
import { errorOf } from './admin-results.ts';
import type { GroupDescription, GroupMemberDescription } from './group-results.ts';

export interface DescribeGroupOptions {
  readonly groupId: string;
  readonly includeAuthorizedOperations: boolean;
  readonly timeoutMs: number;
}

type ClassicGroup = ResponseOf<typeof describeGroups>['groups'][number];
type ConsumerGroup = ResponseOf<typeof consumerGroupDescribe>['groups'][number];
type Assigned = ConsumerGroup['members'][number]['assignment'];

/** Throws what is worth another attempt; other errors are in the description. */
export async function describeGroup(
  connection: ClientConnection,
  coordinator: CoordinatorAddress,
  { groupId, includeAuthorizedOperations, timeoutMs }: DescribeGroupOptions,
): Promise<GroupDescription> {
  if (connection.versionOf(consumerGroupDescribe) !== null) {
    const body = { groupIds: [groupId], includeAuthorizedOperations };
    const answer = await connection.request(consumerGroupDescribe, body, { timeoutMs });
    const group = checked(answer.groups[0]);
    const isElse =
      group.errorCode === ErrorCode.GROUP_ID_NOT_FOUND ||
      group.errorCode === ErrorCode.UNSUPPORTED_VERSION;
    if (!isElse) return consumerGroupOf(group, coordinator);
  }
  const version = connection.versionOf(describeGroups) ?? 0;
  const wantsOperations = version >= 3 && includeAuthorizedOperations;
  const body = { groups: [groupId], includeAuthorizedOperations: wantsOperations };
  const answer = await connection.request(describeGroups, body, { timeoutMs });
  return classicGroupOf(checked(answer.groups[0]), coordinator);
}

function checked<Group extends { readonly errorCode: number }>(group: Group | undefined): Group {
  if (group === undefined) {
    throw new KafkaError('UNKNOWN_SERVER_ERROR', 'the broker said nothing about the group');
  }
  const error = errorOf(group.errorCode, null);
  if (error?.retriable) throw error;
  return group;
}

function consumerGroupOf(group: ConsumerGroup, coordinator: CoordinatorAddress): GroupDescription {
  return {
    groupId: group.groupId,
    error: errorOf(group.errorCode, group.errorMessage),
    type: 'consumer',
    protocolType: 'consumer',
    state: group.groupState,
    assignor: group.assignorName,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      host: member.clientHost,
      rackId: member.rackId,
      subscribedTopics: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex || null,
      assignment: placesOf(member.assignment),
      targetAssignment: placesOf(member.targetAssignment),
      memberEpoch: member.memberEpoch,
      isUpgraded: member.memberType < 0 ? null : member.memberType === 1,
    })),
    coordinator,
    groupEpoch: group.groupEpoch,
    targetAssignmentEpoch: group.assignmentEpoch,
    authorizedOperations: group.authorizedOperations,
  };
}

function placesOf({ topicPartitions }: Assigned): TopicPartition[] {
  return topicPartitions.flatMap(({ topicName, partitions }) =>
    partitions.map((partition) => ({ topic: topicName, partition })),
  );
}

function classicGroupOf(group: ClassicGroup, coordinator: CoordinatorAddress): GroupDescription {
  const isOfConsumers = group.protocolType === 'consumer';
  return {
    groupId: group.groupId,
    error: errorOf(group.errorCode, group.errorMessage),
    type: 'classic',
    protocolType: group.protocolType,
    state: group.groupState,
    assignor: group.protocolData,
    members: group.members.map((member): GroupMemberDescription => {
      const { memberMetadata, memberAssignment } = member;
      const hasMetadata = isOfConsumers && memberMetadata.length > 0;
      const subscription = hasMetadata ? decodeSubscription(memberMetadata) : null;
      return {
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        host: member.clientHost,
        rackId: subscription?.rackId ?? null,
        subscribedTopics: subscription?.topics ?? [],
        subscribedTopicRegex: null,
        assignment: isOfConsumers ? decodeAssignment(memberAssignment) : [],
        targetAssignment: null,
        memberEpoch: null,
        isUpgraded: null,
      };
    }),
    coordinator,
    groupEpoch: null,
    targetAssignmentEpoch: null,
    authorizedOperations: group.authorizedOperations,
  };
}
