// ListGroups, DescribeGroups and ConsumerGroupDescribe: what there is to see of groups.

import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import { type ClassicGroup, noBytes } from '../classic/index.ts';
import { type DescribedConsumerGroup, describeConsumerGroup } from '../consumer/index.ts';
import type { GroupTable } from '../group-table.ts';

export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly groupState: string;
  readonly groupType: string;
}

export interface GroupFilter {
  /** Empty for all; compared without regard to case, as Kafka does. */
  readonly states: readonly string[];
  readonly types: readonly string[];
}

export interface DescribedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly memberMetadata: Buffer;
  readonly memberAssignment: Buffer;
}

export interface DescribedGroup {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly groupId: string;
  readonly groupState: string;
  readonly protocolType: string;
  readonly protocolData: string;
  readonly members: readonly DescribedMember[];
}

export function listGroups(table: GroupTable, filter: GroupFilter): ListedGroup[] {
  const states = new Set(filter.states.map((state) => state.toLowerCase()));
  const types = new Set(filter.types.map((type) => type.toLowerCase()));
  const listed: ListedGroup[] = [];
  for (const group of table.groups.values()) {
    if (states.size > 0 && !states.has(group.state.toLowerCase())) continue;
    if (types.size > 0 && !types.has(group.kind)) continue;
    listed.push({
      groupId: group.groupId,
      protocolType: group.protocolType ?? '',
      groupState: group.state,
      groupType: group.kind,
    });
  }
  return listed;
}

/** A group that nobody knows is dead; since version 6 that is an error (KIP-1043). */
export function describeGroup(
  table: GroupTable,
  groupId: string,
  isErrorWhenMissing: boolean,
): DescribedGroup {
  const group = table.groups.get(groupId);
  if (group?.kind !== 'classic') return missingGroup(groupId, isErrorWhenMissing);
  const isStable = group.state === 'Stable';
  return {
    errorCode: 0,
    errorMessage: null,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: membersOf(group, isStable),
  };
}

function missingGroup(groupId: string, isError: boolean): DescribedGroup {
  return {
    errorCode: isError ? ErrorCode.GROUP_ID_NOT_FOUND : 0,
    errorMessage: isError ? `Group ${groupId} not found.` : null,
    groupId,
    groupState: 'Dead',
    protocolType: '',
    protocolData: '',
    members: [],
  };
}

/** Between two generations nobody has an assignment, and the protocol is not chosen. */
function membersOf(group: ClassicGroup, isStable: boolean): DescribedMember[] {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    memberMetadata: isStable ? member.metadataOf(group.protocolName) : noBytes,
    memberAssignment: isStable ? member.assignment : noBytes,
  }));
}

/** @throws KafkaError GROUP_ID_NOT_FOUND */
export function onDescribeConsumerGroup(
  table: GroupTable,
  groupId: string,
): DescribedConsumerGroup {
  const group = table.group(groupId, 'GROUP_ID_NOT_FOUND');
  if (group.kind === 'consumer') return describeConsumerGroup(table.at, group);
  throw new KafkaError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`);
}
