// ListGroups and DescribeGroups: what there is to see of groups.

import { ErrorCode } from '../../protocol/index.ts';
import type { ClassicGroup } from './classic/classic-group.ts';
import { noBytes } from './classic/classic-member.ts';
import type { GroupMachine } from './group-machine.ts';

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

export function listGroups(machine: GroupMachine, filter: GroupFilter): ListedGroup[] {
  const states = new Set(filter.states.map((state) => state.toLowerCase()));
  const types = new Set(filter.types.map((type) => type.toLowerCase()));
  const listed: ListedGroup[] = [];
  for (const group of machine.groups.values()) {
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
  machine: GroupMachine,
  groupId: string,
  isErrorWhenMissing: boolean,
): DescribedGroup {
  const group = machine.groups.get(groupId);
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
