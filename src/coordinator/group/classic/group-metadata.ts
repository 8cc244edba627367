// A classic group as it is written down, and built again from that.
//
// Written when a generation has its assignment, when the group becomes empty, when a static member
// changes its id, and, unlike Kafka, also when the join phase ends: then nobody has an assignment
// yet. A coordinator that restarts between join and sync so still knows everybody who joined, and
// the rebalance goes on instead of beginning with members nobody has heard of.

import type { GroupMetadataValue, GroupRecordOf } from '../group-record.ts';
import type { ClassicGroup } from './classic-group.ts';
import { ClassicMember } from './classic-member.ts';

/** Bytes of a record beside the strings and buffers of its members, generously. */
const overheadBytes = 512;
const memberOverheadBytes = 64;

export function groupMetadataRecord(group: ClassicGroup): GroupRecordOf<'GroupMetadata'> {
  return {
    kind: 'GroupMetadata',
    key: { group: group.groupId },
    value: {
      protocolType: group.protocolType ?? '',
      generation: group.generationId,
      protocol: group.protocolName,
      leader: group.leaderId,
      currentStateTimestamp: group.stateSinceMs,
      members: [...group.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: member.metadataOf(group.protocolName),
        assignment: member.assignment,
      })),
    },
  };
}

export function groupTombstone(groupId: string): GroupRecordOf<'GroupMetadata'> {
  return { kind: 'GroupMetadata', key: { group: groupId }, value: null };
}

/** What the record takes in a batch, at most. */
export function groupMetadataBytes(
  group: ClassicGroup,
  assignmentOf: (member: ClassicMember) => Buffer,
): number {
  let bytes = overheadBytes + 3 * group.groupId.length;
  for (const member of group.members.values()) {
    const { memberId, groupInstanceId, clientId, clientHost } = member;
    const characters =
      memberId.length + (groupInstanceId?.length ?? 0) + clientId.length + clientHost.length;
    const metadataBytes = member.metadataOf(group.protocolName).length;
    bytes += memberOverheadBytes + 3 * characters + metadataBytes + assignmentOf(member).length;
  }
  return bytes;
}

/** Makes the group what its record says; it had no life of its own before. */
export function restoreGroup(group: ClassicGroup, stored: GroupMetadataValue, nowMs: number): void {
  group.protocolType = stored.protocolType === '' ? null : stored.protocolType;
  group.generationId = stored.generation;
  group.protocolName = stored.protocol;
  for (const one of stored.members) {
    const member = new ClassicMember({
      memberId: one.memberId,
      groupInstanceId: one.groupInstanceId,
      clientId: one.clientId,
      clientHost: one.clientHost,
      // Records of old brokers have one timeout for both.
      rebalanceTimeoutMs: one.rebalanceTimeout === -1 ? one.sessionTimeout : one.rebalanceTimeout,
      sessionTimeoutMs: one.sessionTimeout,
      protocols: [{ name: stored.protocol ?? '', metadata: one.subscription }],
      assignment: one.assignment,
    });
    group.add(member, stored.protocolType);
  }
  if (stored.leader !== null && group.members.has(stored.leader)) group.leaderId = stored.leader;
  const sinceMs = stored.currentStateTimestamp === -1 ? nowMs : stored.currentStateTimestamp;
  group.become(group.members.size === 0 ? 'Empty' : 'Stable', sinceMs);
  group.updateSubscribedTopics();
}
