// ConsumerGroupDescribe: a consumer group as tools show it.

import type { MetadataImage } from '../../../metadata/index.ts';
import type { consumerGroupDescribe, ResponseInput } from '../../../protocol/index.ts';
import type { GroupContext } from '../decision.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';
import { preferredAssignor } from './target-assignment.ts';
import { OwnedBuilder } from './topic-partitions.ts';

export type DescribedConsumerGroup = ResponseInput<typeof consumerGroupDescribe>['groups'][number];

export function describeConsumerGroup(
  at: GroupContext,
  group: ConsumerGroup,
): DescribedConsumerGroup {
  return {
    errorCode: 0,
    groupId: group.groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredAssignor(at.config(), group.members.values()).name,
    members: [...group.members.values()].map((member) => describe(group, member, at.image())),
  };
}

function describe(group: ConsumerGroup, member: ConsumerMember, image: MetadataImage) {
  // What the member has not yet let go of is its own still.
  const owned = new OwnedBuilder();
  owned.addAll(member.assigned);
  owned.addAll(member.pendingRevocation);
  const current = [...owned.build()].map(([id, own]) => [id, own.keys()] as const);
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.topicNames],
    subscribedTopicRegex: member.topicRegex,
    assignment: { topicPartitions: named(current, image) },
    targetAssignment: { topicPartitions: named(group.targetOf(member.memberId), image) },
    memberType: member.classic === null ? consumerMember : classicMember,
  };
}

const classicMember = 0;
const consumerMember = 1;

function named(partitions: Iterable<readonly [string, Iterable<number>]>, image: MetadataImage) {
  return [...partitions].flatMap(([topicId, own]) => {
    const topicName = image.topicById(topicId)?.name;
    if (topicName === undefined) return [];
    return [{ topicId, topicName, partitions: [...own].sort((a, b) => a - b) }];
  });
}
