// The machine of the groups of one partition of __consumer_offsets: how its table comes out of the
// log, comes to life, and ends. What is decided is in the folders of the kinds of groups and of
// offsets; requests find their way there in requests/.
//
// Invariants: durable state (committed offsets, a classic group's stored record, a consumer group)
// changes in `replay` only; everything soft is built from it by `onLoaded`; `abandon` answers every
// parked request, because nobody else will.

import type { Machine } from '../../machine/index.ts';
import type { KafkaError } from '../../protocol/index.ts';
import { type ClassicGroup, failedJoin, failedSync, restoreGroup } from './classic/index.ts';
import {
  ConsumerGroup,
  type ConsumerGroupRecord,
  isConsumerGroupRecord,
  MemberState,
  replayConsumerRecord,
} from './consumer/index.ts';
import type { GroupContext, Outcome } from './decision.ts';
import type { GroupRecord, GroupRecordOf } from './group-record.ts';
import { GroupTable, type GroupTableOptions } from './group-table.ts';
import { removeLateMember } from './migration/index.ts';

export type GroupMachineOptions = Omit<GroupTableOptions, 'onLate'>;

export class GroupMachine implements Machine<GroupRecord> {
  readonly table: GroupTable;

  constructor(at: GroupContext, options: GroupMachineOptions) {
    this.table = new GroupTable(at, {
      ...options,
      onLate: (late, outcome) => removeLateMember(this.table, late, outcome),
    });
  }

  replay(record: GroupRecord, offset: number): void {
    const { producers, offsets } = this.table;
    switch (record.kind) {
      case 'OffsetCommit':
      case 'LegacyOffsetCommit':
        this.#replayOffset(record, offset);
        return;
      case 'EndTransaction':
        producers.replayEnd(record.marker, offset);
        offsets.replayEnd(record.marker.producerId, record.marker.isCommit);
        return;
      case 'GroupMetadata':
        this.#replayClassicGroup(record);
        return;
      default:
        if (isConsumerGroupRecord(record)) this.#replayConsumerGroup(record);
    }
  }

  #replayOffset(
    record: GroupRecordOf<'OffsetCommit' | 'LegacyOffsetCommit'>,
    offset: number,
  ): void {
    const { producers, offsets, groups } = this.table;
    if (record.producer !== undefined) producers.replayWrite(record.producer, offset);
    offsets.replay(record, offset);
    const { group } = record.key;
    if (record.value !== null && !groups.has(group)) this.table.newClassicGroup(group);
  }

  #replayClassicGroup(record: GroupRecordOf<'GroupMetadata'>): void {
    const groupId = record.key.group;
    const known = this.table.groups.get(groupId);
    if (record.value === null) {
      if (known?.kind === 'classic') this.#onDeleted(known);
      return;
    }
    const group = known?.kind === 'classic' ? known : this.table.newClassicGroup(groupId);
    group.stored = record.value;
  }

  #onDeleted(group: ClassicGroup): void {
    group.stored = null;
    const { groups, offsets } = this.table;
    if (!offsets.has(group.groupId)) groups.delete(group.groupId);
  }

  /** A consumer group comes with its first record and goes with its last. */
  #replayConsumerGroup(record: ConsumerGroupRecord): void {
    const { groups, offsets } = this.table;
    const { groupId } = record.key;
    const known = groups.get(groupId);
    // The decision that wrote this went on to make a classic group of it, which is in place.
    if (known?.kind === 'classic' && known.members.size > 0) return;
    let group = this.table.consumerGroup(groupId);
    if (group === undefined) {
      // What ends here was compacted away, or became a classic group.
      if (record.value === null) return;
      group = new ConsumerGroup(groupId);
      groups.set(groupId, group);
    }
    if (record.kind !== 'ConsumerGroupMetadata' || record.value !== null) {
      replayConsumerRecord(group, record);
      return;
    }
    groups.delete(groupId);
    if (offsets.has(groupId)) this.table.newClassicGroup(groupId);
  }

  /** The log is replayed: groups come to life, and their members' sessions begin anew. */
  onLoaded(outcome: Outcome): void {
    this.table.loadedAtMs = this.table.at.clock.monotonic();
    for (const group of [...this.table.groups.values()]) {
      if (group.kind === 'consumer') this.#resumeConsumerGroup(group);
      else this.#resumeClassicGroup(group, outcome);
    }
  }

  #resumeConsumerGroup({ groupId, members }: ConsumerGroup): void {
    const { consumerTimers } = this.table;
    for (const member of members.values()) {
      consumerTimers.restartSession(groupId, member);
      const isReleasing = member.state === MemberState.UNREVOKED && member.classic === null;
      if (isReleasing) consumerTimers.restartRebalance(groupId, member);
    }
  }

  #resumeClassicGroup(group: ClassicGroup, outcome: Outcome): void {
    const { at, rebalance } = this.table;
    if (group.stored === null) {
      this.table.maybeForget(group);
      return;
    }
    restoreGroup(group, group.stored, at.clock.now());
    const members = [...group.members.values()];
    for (const member of members) rebalance.sessions.restart(group, member);
    // Nobody had an assignment yet, or not one that a leader made: the rebalance that the restart
    // interrupted goes on.
    const isUnassigned = members.every(({ assignment }) => assignment.length === 0);
    const isInterrupted = isUnassigned || group.stored.leader === null;
    if (members.length > 0 && isInterrupted) rebalance.prepare(group, outcome);
  }

  /** The machine is thrown away: whoever waits asks the next coordinator. */
  abandon(error: KafkaError): void {
    const { groups } = this.table;
    for (const group of groups.values()) {
      if (group.kind === 'consumer') continue;
      for (const member of group.members.values()) {
        group.takeJoin(member)?.(failedJoin(error.code, member.memberId));
        group.takeSync(member)?.(failedSync(error.code));
      }
    }
    groups.clear();
  }
}
