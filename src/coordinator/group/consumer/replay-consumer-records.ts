// Replay of the records of a consumer group: the only way in which one changes.
//
// The records of a member come in any order, because compaction keeps the last of each kind where
// it is; a tombstone may speak of what is gone already.

import { assert } from '../../../base/assert.ts';
import type { GroupRecord, GroupRecordKind } from '../group-record.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerMember, MemberState, newConsumerMember } from './consumer-member.ts';
import { ownedFrom, ownsNothing, targetFrom } from './topic-partitions.ts';

export type ConsumerGroupRecord = Extract<
  GroupRecord,
  { kind: Extract<GroupRecordKind, `Consumer${string}`> }
>;

export function isConsumerGroupRecord(record: GroupRecord): record is ConsumerGroupRecord {
  return record.kind.startsWith('ConsumerGroup');
}

export function replayConsumerRecord(group: ConsumerGroup, record: ConsumerGroupRecord): void {
  switch (record.kind) {
    case 'ConsumerGroupMetadata':
      group.groupEpoch = record.value?.epoch ?? group.groupEpoch;
      group.metadataHash = record.value?.metadataHash ?? 0;
      return;
    case 'ConsumerGroupPartitionMetadata':
      group.hasPartitionMetadata = record.value !== null;
      return;
    case 'ConsumerGroupMemberMetadata':
      replayMember(group, record);
      return;
    case 'ConsumerGroupCurrentMemberAssignment':
      replayCurrent(group, record);
      return;
    case 'ConsumerGroupTargetAssignmentMetadata':
      group.assignmentEpoch = record.value?.assignmentEpoch ?? 0;
      group.assignmentTimestampMs = record.value?.assignmentTimestamp ?? 0;
      return;
    case 'ConsumerGroupTargetAssignmentMember':
      if (record.value === null) group.targets.delete(record.key.memberId);
      else group.targets.set(record.key.memberId, targetFrom(record.value.topicPartitions));
      return;
    case 'ConsumerGroupRegularExpression':
      replayRegex(group, record);
      return;
    default:
      assert(false, `${(record as GroupRecord).kind} is a record of a consumer group`);
  }
}

type RecordOf<K extends ConsumerGroupRecord['kind']> = Extract<ConsumerGroupRecord, { kind: K }>;

function replayMember(group: ConsumerGroup, record: RecordOf<'ConsumerGroupMemberMetadata'>): void {
  const { key, value } = record;
  if (value === null) {
    group.removeMember(key.memberId);
    return;
  }
  const member = group.members.get(key.memberId) ?? newConsumerMember(key.memberId);
  group.setMember({
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    topicNames: [...value.subscribedTopicNames].sort(),
    topicRegex: value.subscribedTopicRegex ?? '',
    classic: value.classicMemberMetadata,
  });
}

function replayCurrent(
  group: ConsumerGroup,
  { key, value }: RecordOf<'ConsumerGroupCurrentMemberAssignment'>,
): void {
  const member = group.members.get(key.memberId);
  if (value === null) {
    if (member === undefined) return;
    const fresh = newConsumerMember(key.memberId);
    group.setMember({
      ...member,
      memberEpoch: fresh.memberEpoch,
      previousMemberEpoch: fresh.previousMemberEpoch,
      state: fresh.state,
      assigned: ownsNothing,
      pendingRevocation: ownsNothing,
    });
    return;
  }
  group.setMember({
    ...(member ?? newConsumerMember(key.memberId)),
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: stateOf(value.state),
    assigned: ownedFrom(value.assignedPartitions, value.memberEpoch),
    pendingRevocation: ownedFrom(value.partitionsPendingRevocation, value.memberEpoch),
  });
}

function stateOf(code: number): ConsumerMember['state'] {
  return Object.values(MemberState).find((state) => state === code) ?? MemberState.UNKNOWN;
}

function replayRegex(
  group: ConsumerGroup,
  { key, value }: RecordOf<'ConsumerGroupRegularExpression'>,
): void {
  if (value === null) group.regexes.delete(key.regularExpression);
  else {
    group.regexes.set(key.regularExpression, {
      topics: new Set(value.topics),
      version: value.version,
      timestampMs: value.timestamp,
    });
  }
}
