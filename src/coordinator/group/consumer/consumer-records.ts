// The records about a consumer group, made from its state.

import type { TopicPartitions } from '../assignors/index.ts';
import type { GroupRecord } from '../group-record.ts';
import type { ConsumerGroup, ResolvedRegex } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';
import { ownedList, targetList } from './topic-partitions.ts';

export function groupEpochRecord(
  groupId: string,
  value: { readonly epoch: number; readonly metadataHash: number },
): GroupRecord {
  return { kind: 'ConsumerGroupMetadata', key: { groupId }, value };
}

export function memberRecord(groupId: string, member: ConsumerMember): GroupRecord {
  return {
    kind: 'ConsumerGroupMemberMetadata',
    key: { groupId, memberId: member.memberId },
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.topicNames],
      subscribedTopicRegex: member.topicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata: member.classic,
    },
  };
}

export function targetRecord(
  groupId: string,
  memberId: string,
  target: TopicPartitions,
): GroupRecord {
  return {
    kind: 'ConsumerGroupTargetAssignmentMember',
    key: { groupId, memberId },
    value: { topicPartitions: targetList(target) },
  };
}

export function targetEpochRecord(
  groupId: string,
  assignmentEpoch: number,
  assignmentTimestamp: number,
): GroupRecord {
  return {
    kind: 'ConsumerGroupTargetAssignmentMetadata',
    key: { groupId },
    value: { assignmentEpoch, assignmentTimestamp },
  };
}

export function currentAssignmentRecord(groupId: string, member: ConsumerMember): GroupRecord {
  return {
    kind: 'ConsumerGroupCurrentMemberAssignment',
    key: { groupId, memberId: member.memberId },
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: member.state,
      assignedPartitions: ownedList(member.assigned),
      partitionsPendingRevocation: ownedList(member.pendingRevocation),
    },
  };
}

export function regexRecord(groupId: string, regex: string, value: ResolvedRegex): GroupRecord {
  return {
    kind: 'ConsumerGroupRegularExpression',
    key: { groupId, regularExpression: regex },
    value: {
      topics: [...value.topics].sort(),
      version: value.version,
      timestamp: value.timestampMs,
    },
  };
}

export function regexTombstone(groupId: string, regularExpression: string): GroupRecord {
  const key = { groupId, regularExpression };
  return { kind: 'ConsumerGroupRegularExpression', key, value: null };
}

/** In the order in which replay takes a member apart. */
export function memberTombstones(groupId: string, memberId: string): GroupRecord[] {
  const key = { groupId, memberId };
  return [
    { kind: 'ConsumerGroupCurrentMemberAssignment', key, value: null },
    { kind: 'ConsumerGroupTargetAssignmentMember', key, value: null },
    { kind: 'ConsumerGroupMemberMetadata', key, value: null },
  ];
}

/** All that the log has about the group, ended. */
export function groupTombstones(group: ConsumerGroup): GroupRecord[] {
  const { groupId } = group;
  const key = { groupId };
  return [
    ...[...group.members.keys()].flatMap((memberId) => memberTombstones(groupId, memberId)),
    { kind: 'ConsumerGroupTargetAssignmentMetadata', key, value: null },
    ...(group.hasPartitionMetadata
      ? [{ kind: 'ConsumerGroupPartitionMetadata', key, value: null } as const]
      : []),
    ...[...group.regexes.keys()].map((regex) => regexTombstone(groupId, regex)),
    { kind: 'ConsumerGroupMetadata', key, value: null },
  ];
}

/** All that there is to say about the group: for one that was another kind of group before. */
export function groupRecords(group: ConsumerGroup): GroupRecord[] {
  const { groupId } = group;
  const members = [...group.members.values()];
  return [
    ...members.map((member) => memberRecord(groupId, member)),
    groupEpochRecord(groupId, { epoch: group.groupEpoch, metadataHash: group.metadataHash }),
    ...members.map(({ memberId }) => targetRecord(groupId, memberId, group.targetOf(memberId))),
    targetEpochRecord(groupId, group.assignmentEpoch, group.assignmentTimestampMs),
    ...members.map((member) => currentAssignmentRecord(groupId, member)),
  ];
}
