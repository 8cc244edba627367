// A consumer group becomes a classic one when its last member of the new protocol goes and those
// who stay are classic clients (online downgrade of KIP-848).

import type { BrokerConfig } from '../../../config/index.ts';
import { ClassicGroup, consumerProtocolType } from '../classic/classic-group.ts';
import { ClassicMember } from '../classic/classic-member.ts';
import { groupMetadataRecord } from '../classic/group-metadata.ts';
import type { GroupMachine } from '../group-machine.ts';
import type { Outcome } from '../outcome.ts';
import { encodeAssignment } from './classic-protocol.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ClassicMemberMetadata, ConsumerMember } from './consumer-member.ts';
import { groupTombstones } from './consumer-records.ts';

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
 * The classic group is in place at once; the records follow. One that must rebalance is written
 * without a leader: so a coordinator that starts in the middle goes on with the rebalance.
 */
export function prepareDowngrade(
  machine: GroupMachine,
  group: ConsumerGroup,
  options: { members: readonly ConsumerMember[]; outcome: Outcome; mustRebalance: boolean },
): void {
  const { members, outcome, mustRebalance } = options;
  const { groupId } = group;
  const { at } = machine;
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
    machine.consumerTimers.cancelAll({ groupId, memberId: member.memberId });
  }
  classic.generationId = group.groupEpoch;
  classic.protocolName = classic.selectProtocol();
  classic.become('Stable', nowMs);
  classic.updateSubscribedTopics();
  const written = groupMetadataRecord(classic);
  const { value } = written;
  const record =
    mustRebalance && value !== null ? { ...written, value: { ...value, leader: null } } : written;
  classic.stored = record.value;
  outcome.append(...groupTombstones(group), record);
  machine.groups.set(groupId, classic);
  for (const member of classic.members.values())
    machine.rebalance.sessions.restart(classic, member);
  if (mustRebalance) machine.rebalance.prepare(classic, outcome);
}
