// A classic group becomes a consumer group when the first member of the new protocol comes (online
// upgrade of KIP-848): its members stay, with what they have, and are moved on from there.

import type { BrokerConfig } from '../../../config/index.ts';
import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import { type ClassicGroup, consumerProtocolType } from '../classic/classic-group.ts';
import type { ClassicMember } from '../classic/classic-member.ts';
import { groupTombstone } from '../classic/group-metadata.ts';
import { failedJoin, failedSync } from '../classic/rebalance.ts';
import type { GroupMachine } from '../group-machine.ts';
import type { GroupRecord } from '../group-record.ts';
import type { Outcome } from '../outcome.ts';
import {
  decodeAssignment,
  decodeSubscription,
  ownedOf,
  type Subscription,
} from './classic-protocol.ts';
import { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerMember, newConsumerMember, sortedNames } from './consumer-member.ts';
import { groupRecords } from './consumer-records.ts';
import { restartSession } from './remove-members.ts';
import { metadataHash, subscribedTopics } from './subscriptions.ts';
import { eachOwned, OwnedBuilder } from './topic-partitions.ts';

export interface OpenedGroup {
  readonly group: ConsumerGroup;
  /** To be called when the decision can fail no more: what was soft about the group before ends. */
  readonly finish: () => void;
}

/**
 * The group, made or converted for whoever joins it.
 * @throws KafkaError GROUP_ID_NOT_FOUND
 */
export function openForConsumers(
  machine: GroupMachine,
  groupId: string,
  { isJoin, outcome }: { isJoin: boolean; outcome: Outcome },
): OpenedGroup {
  const group = machine.groups.get(groupId);
  if (group?.kind === 'consumer') return { group, finish: () => {} };
  if (!isJoin) {
    throw new KafkaError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`);
  }
  if (group === undefined) return { group: new ConsumerGroup(groupId), finish: () => {} };
  const records: GroupRecord[] = group.stored === null ? [] : [groupTombstone(groupId)];
  if (group.isEmpty) {
    outcome.append(...records);
    return { group: new ConsumerGroup(groupId), finish: () => endClassic(group, outcome) };
  }
  assertMayUpgrade(machine.at.config(), group);
  const upgraded = upgrade(machine, group);
  outcome.append(...records, ...groupRecords(upgraded));
  return {
    group: upgraded,
    finish: () => {
      endClassic(group, outcome);
      for (const member of upgraded.members.values()) restartSession(machine, groupId, member);
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

function upgrade(machine: GroupMachine, classic: ClassicGroup): ConsumerGroup {
  const image = machine.at.image();
  const group = new ConsumerGroup(classic.groupId);
  // In the middle of a rebalance the assignment is not what it should be: another one is due.
  group.groupEpoch = classic.generationId + (classic.state === 'Stable' ? 0 : 1);
  group.assignmentEpoch = classic.generationId;
  group.assignmentTimestampMs = 0;
  for (const member of classic.members.values()) {
    group.setMember(convert(machine, classic, member));
  }
  if (classic.state !== 'Stable') keepClaims(machine, classic, group);
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
function keepClaims(machine: GroupMachine, classic: ClassicGroup, group: ConsumerGroup): void {
  const claims = [...classic.members.values()].map((member) => {
    const { ownedPartitions, generationId } = subscriptionOf(classic, member);
    return { memberId: member.memberId, ownedPartitions, generationId };
  });
  for (const claim of claims.sort((one, other) => other.generationId - one.generationId)) {
    const member = group.members.get(claim.memberId) as ConsumerMember;
    const assigned = new OwnedBuilder();
    assigned.addAll(member.assigned);
    const claimed = ownedOf(claim.ownedPartitions, machine.at.image(), classic.generationId);
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

function convert(
  machine: GroupMachine,
  classic: ClassicGroup,
  member: ClassicMember,
): ConsumerMember {
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
    assigned: ownedOf(assignedPartitions, machine.at.image(), generationId),
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
