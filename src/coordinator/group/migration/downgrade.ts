// A consumer group becomes a classic one when its last member of the new protocol goes and those
// who stay are classic clients (online downgrade of KIP-848). So whoever ends members of a consumer
// group, a request or a clock, does it here.

import type { BrokerConfig } from '../../../config/index.ts';
import { ClassicGroup, ClassicMember, groupMetadataRecord } from '../classic/index.ts';
import {
  type ClassicMemberMetadata,
  type ConsumerGroup,
  type ConsumerMember,
  groupTombstones,
  type LateMember,
  removeMembers,
} from '../consumer/index.ts';
import { consumerProtocolType } from '../consumer-protocol.ts';
import type { Outcome } from '../decision.ts';
import type { GroupTable } from '../group-table.ts';
import { encodeAssignment } from './assigned-partitions.ts';

export function removeMembersOrDowngrade(
  table: GroupTable,
  group: ConsumerGroup,
  { members, outcome }: { members: readonly ConsumerMember[]; outcome: Outcome },
): void {
  const { groupId } = group;
  const gone = new Set(members.map(({ memberId }) => memberId));
  const rest = [...group.members.values()].filter(({ memberId }) => !gone.has(memberId));
  for (const memberId of gone) table.consumerTimers.cancelAll({ groupId, memberId });
  if (isDowngradeDue(table.at.config(), rest)) {
    downgrade(table, group, { members: rest, outcome });
  } else {
    removeMembers(table.at, group, { gone, rest, outcome });
  }
}

/** A member was not heard of in time, or did not do what it owed: it is out. */
export function removeLateMember(
  table: GroupTable,
  { groupId, memberId, memberEpoch }: LateMember,
  outcome: Outcome,
): void {
  const group = table.consumerGroup(groupId);
  const member = group?.members.get(memberId);
  if (group === undefined || member === undefined) return;
  if (memberEpoch !== null && member.memberEpoch !== memberEpoch) return;
  removeMembersOrDowngrade(table, group, { members: [member], outcome });
}

/** Whether the members that stay had better be a classic group. */
export function isDowngradeDue(config: BrokerConfig, rest: readonly ConsumerMember[]): boolean {
  const policy = config.get('group.consumer.migration.policy').toUpperCase();
  return (
    rest.length > 0 &&
    rest.every(({ classic }) => classic !== null) &&
    (policy === 'DOWNGRADE' || policy === 'BIDIRECTIONAL') &&
    rest.length <= config.get('group.max.size')
  );
}

/**
 * The classic group is in place at once; the records follow. It is written without a leader: so a
 * coordinator that starts in the middle goes on with the rebalance that begins here.
 */
export function downgrade(
  table: GroupTable,
  group: ConsumerGroup,
  { members, outcome }: { members: readonly ConsumerMember[]; outcome: Outcome },
): void {
  const { groupId } = group;
  const { at } = table;
  const nowMs = at.clock.now();
  const classic = new ClassicGroup(groupId, nowMs);
  for (const member of members) {
    const metadata = member.classic as ClassicMemberMetadata;
    classic.add(
      new ClassicMember({
        memberId: member.memberId,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        sessionTimeoutMs: metadata.sessionTimeoutMs,
        protocols: metadata.supportedProtocols,
        assignment: encodeAssignment(member.assigned, metadata, at.image()),
      }),
      consumerProtocolType,
    );
    table.consumerTimers.cancelAll({ groupId, memberId: member.memberId });
  }
  classic.generationId = group.groupEpoch;
  classic.protocolName = classic.selectProtocol();
  classic.become('Stable', nowMs);
  classic.updateSubscribedTopics();
  const written = groupMetadataRecord(classic);
  const value = written.value === null ? null : { ...written.value, leader: null };
  const record = { ...written, value };
  classic.stored = value;
  outcome.appendAll(groupTombstones(group));
  outcome.append(record);
  table.groups.set(groupId, classic);
  for (const member of classic.members.values()) {
    table.rebalance.sessions.restart(classic, member);
  }
  table.rebalance.prepare(classic, outcome);
}
