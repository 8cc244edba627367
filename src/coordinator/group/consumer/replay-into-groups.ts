// The records of consumer groups, replayed into the groups of a machine: a group comes with its
// first record and goes with its last; and the sessions of a group that was just loaded.

import { ClassicGroup } from '../classic/classic-group.ts';
import type { GroupMachine } from '../group-machine.ts';
import { ConsumerGroup } from './consumer-group.ts';
import { MemberState } from './consumer-member.ts';
import { restartSession, updateRebalanceTimer } from './remove-members.ts';
import { type ConsumerGroupRecord, replayConsumerRecord } from './replay-consumer-records.ts';

export function replayIntoGroups(machine: GroupMachine, record: ConsumerGroupRecord): void {
  const { groupId } = record.key;
  const known = machine.groups.get(groupId);
  // The decision that wrote this went on to make a classic group of it, which is in place.
  if (known?.kind === 'classic' && known.members.size > 0) return;
  let group = machine.consumerGroup(groupId);
  if (group === undefined) {
    // What ends here was compacted away, or became a classic group.
    if (record.value === null) return;
    group = new ConsumerGroup(groupId);
    machine.groups.set(groupId, group);
  }
  if (record.kind !== 'ConsumerGroupMetadata' || record.value !== null) {
    replayConsumerRecord(group, record);
    return;
  }
  machine.groups.delete(groupId);
  if (!machine.offsets.has(groupId)) return;
  machine.groups.set(groupId, new ClassicGroup(groupId, machine.at.clock.now()));
}

export function resumeConsumerGroup(machine: GroupMachine, group: ConsumerGroup): void {
  for (const member of group.members.values()) {
    restartSession(machine, group.groupId, member);
    const isReleasing = member.state === MemberState.UNREVOKED && member.classic === null;
    if (isReleasing) updateRebalanceTimer(machine, group.groupId, member);
  }
}
