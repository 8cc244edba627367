// A classic group becomes a consumer group when the first member of the new protocol comes (online
// upgrade of KIP-848): its members stay, with what they have, and are moved on from there.

import type { BrokerConfig } from '../../../config/index.ts';
import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import {
  type ClassicGroup,
  type ClassicMember,
  failedJoin,
  failedSync,
  groupTombstone,
} from '../classic/index.ts';
import {
  ConsumerGroup,
  type ConsumerMember,
  eachOwned,
  groupRecords,
  metadataHash,
  newConsumerMember,
  type OpenedGroup,
  OwnedBuilder,
  sortedNames,
  subscribedTopics,
} from '../consumer/index.ts';
import {
  consumerProtocolType,
  decodeAssignment,
  decodeSubscription,
  type Subscription,
} from '../consumer-protocol.ts';
import type { Outcome } from '../decision.ts';
import type { GroupRecord } from '../group-record.ts';
import type { GroupTable } from '../group-table.ts';
import { ownedOf } from './assigned-partitions.ts';

/**
 * The group, made or converted for whoever joins it.
 * @throws KafkaError GROUP_ID_NOT_FOUND
 */
export function openForConsumers(
  table: GroupTable,
  groupId: string,
  { isJoin, outcome }: { isJoin: boolean; outcome: Outcome },
): OpenedGroup {
  const group = table.groups.get(groupId);
  if (group?.kind === 'consumer') return { group, finish: () => {} };
  if (!isJoin) {
    throw new KafkaError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`);
  }
  if (group === undefined) return { group: new ConsumerGroup(groupId), finish: () => {} };
  const records: GroupRecord[] = group.stored === null ? [] : [groupTombstone(groupId)];
  if (group.isEmpty) {
    outcome.appendAll(records);
    return { group: new ConsumerGroup(groupId), finish: () => endClassic(group, outcome) };
  }
  assertMayUpgrade(table.at.config(), group);
  const upgraded = upgrade(table, group);
  outcome.appendAll(records);
  outcome.appendAll(groupRecords(upgraded));
  return {
    group: upgraded,
    finish: () => {
      endClassic(group, outcome);
      for (const member of upgraded.members.values()) {
        table.consumerTimers.restartSession(groupId, member);
      }
    },
  };
}

function assertMayUpgrade(config: BrokerConfig, group: ClassicGroup): void {
  const policy = config.get('group.consumer.migration.policy').toUpperCase();
  const refuse = (why: string): never => {
    throw new KafkaError(
      'GROUP_ID_NOT_FOUND',
      `Classic group ${group.groupId} cannot become a consumer group: ${why}.`,
    );
  };
  if (policy !== 'UPGRADE' && policy !== 'BIDIRECTIONAL') refuse('the upgrade is disabled');
  if (group.protocolType !== consumerProtocolType) refuse('its members are no consumers');
  if (group.members.size > config.get('group.consumer.max.size')) refuse('it is too large');
}

function upgrade(table: GroupTable, classic: ClassicGroup): ConsumerGroup {
  const image = table.at.image();
  const group = new ConsumerGroup(classic.groupId);
  // In the middle of a rebalance the assignment is not what it should be: another one is due.
  group.groupEpoch = classic.generationId + (classic.state === 'Stable' ? 0 : 1);
  group.assignmentEpoch = classic.generationId;
  group.assignmentTimestampMs = 0;
  for (const member of classic.members.values()) {
    group.setMember(convert(table, classic, member));
  }
  if (classic.state !== 'Stable') keepClaims(table, classic, group);
  for (const { memberId, assigned } of group.members.values()) {
    const target = [...assigned].map(
      ([topicId, partitions]) => [topicId, new Set(partitions.keys())] as const,
    );
    group.targets.set(memberId, new Map(target));
  }
  const members = [...group.members.values()];
  group.metadataHash = metadataHash(subscribedTopics(members, group.regexes, image), image);
  return group;
}

/**
 * Between join and sync nobody has an assignment, but cooperative members go on with what they
 * have (KIP-429): it is theirs until they let it go. The newest claim counts.
 */
function keepClaims(table: GroupTable, classic: ClassicGroup, group: ConsumerGroup): void {
  const claims = [...classic.members.values()].map((member) => {
    const { ownedPartitions, generationId } = subscriptionOf(classic, member);
    return { memberId: member.memberId, ownedPartitions, generationId };
  });
  for (const claim of claims.sort((one, other) => other.generationId - one.generationId)) {
    const member = group.members.get(claim.memberId) as ConsumerMember;
    const assigned = new OwnedBuilder();
    assigned.addAll(member.assigned);
    const claimed = ownedOf(claim.ownedPartitions, table.at.image(), classic.generationId);
    for (const [topicId, partition, epoch] of eachOwned(claimed)) {
      if (group.ownerOf(topicId, partition) === undefined) assigned.add(topicId, partition, epoch);
    }
    group.setMember({ ...member, assigned: assigned.build() });
  }
}

function subscriptionOf({ protocolName }: ClassicGroup, member: ClassicMember): Subscription {
  const chosen = member.metadataOf(protocolName);
  return decodeSubscription(chosen.length > 0 ? chosen : (member.protocols[0]?.metadata ?? chosen));
}

function convert(table: GroupTable, classic: ClassicGroup, member: ClassicMember): ConsumerMember {
  const { generationId, groupId } = classic;
  const subscription = subscriptionOf(classic, member);
  const { assignedPartitions, userData } = decodeAssignment(member.assignment);
  if (userData !== null && userData.length > 0) {
    throw new KafkaError(
      'GROUP_ID_NOT_FOUND',
      `Classic group ${groupId} cannot become a consumer group: it has an assignor of its own.`,
    );
  }
  return {
    ...newConsumerMember(member.memberId),
    instanceId: member.groupInstanceId,
    rackId: subscription.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    topicNames: sortedNames(subscription.topics),
    classic: {
      sessionTimeoutMs: member.sessionTimeoutMs,
      supportedProtocols: member.protocols.map(({ name, metadata: bytes }) => ({
        name,
        metadata: bytes,
      })),
    },
    memberEpoch: generationId,
    previousMemberEpoch: generationId,
    assigned: ownedOf(assignedPartitions, table.at.image(), generationId),
  };
}

/** Whoever waits joins again, and then meets the new group. */
function endClassic(group: ClassicGroup, outcome: Outcome): void {
  group.cancelTimers();
  for (const timer of group.pendingMembers.values()) timer.cancel();
  group.pendingMembers.clear();
  const errorCode = ErrorCode.REBALANCE_IN_PROGRESS;
  for (const member of [...group.members.values()]) {
    const answerJoin = group.takeJoin(member);
    const answerSync = group.takeSync(member);
    group.remove(member);
    outcome.whenCommitted(() => {
      answerJoin?.(failedJoin(errorCode, member.memberId));
      answerSync?.(failedSync(errorCode));
    });
  }
  group.become('Dead', group.stateSinceMs);
}
