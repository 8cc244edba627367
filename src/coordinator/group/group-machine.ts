// The groups whose offsets and members live in one partition of __consumer_offsets. It holds the
// state and routes records to what they belong to; what is decided is in the folders of the kinds
// of groups and of offsets.
//
// Invariants: durable state (committed offsets, a group's stored record) changes in `replay` only;
// everything soft is built from it by `onLoaded`; `abandon` answers every parked request, because
// nobody else will.

import { assert } from '../../base/assert.ts';
import type { Machine } from '../../machine/index.ts';
import { ErrorCode, KafkaError } from '../../protocol/index.ts';
import { ClassicGroup } from './classic/classic-group.ts';
import { groupTombstone, restoreGroup } from './classic/group-metadata.ts';
import { failedJoin, failedSync, Rebalance } from './classic/rebalance.ts';
import type { ConsumerGroup } from './consumer/consumer-group.ts';
import { groupTombstones } from './consumer/consumer-records.ts';
import { ConsumerTimers } from './consumer/consumer-timers.ts';
import { isConsumerGroupRecord } from './consumer/replay-consumer-records.ts';
import { replayIntoGroups, resumeConsumerGroup } from './consumer/replay-into-groups.ts';
import type { Group } from './group.ts';
import type { GroupContext } from './group-context.ts';
import type { GroupRecord, GroupRecordOf } from './group-record.ts';
import { CommittedOffsets } from './offsets/committed-offsets.ts';
import { forgetOffsetsIf } from './offsets/forget-offsets.ts';
import type { Outcome } from './outcome.ts';

export class GroupMachine implements Machine<GroupRecord> {
  readonly at: GroupContext;
  readonly groups = new Map<string, Group>();
  readonly offsets = new CommittedOffsets();
  readonly rebalance: Rebalance;
  readonly consumerTimers: ConsumerTimers;
  /** Monotonic; null until the machine is loaded. */
  loadedAtMs: number | null = null;
  /** Another coordinator, or this one before a restart, has served these groups. */
  readonly hadPredecessor: boolean;

  constructor(at: GroupContext, { hadPredecessor }: { hadPredecessor: boolean }) {
    this.at = at;
    this.hadPredecessor = hadPredecessor;
    this.consumerTimers = new ConsumerTimers(at);
    this.rebalance = new Rebalance(at, (group) => this.maybeForget(group));
  }

  replay(record: GroupRecord, offset: number): void {
    switch (record.kind) {
      case 'OffsetCommit':
      case 'LegacyOffsetCommit':
        this.#replayOffset(record, offset);
        return;
      case 'EndTransaction':
        this.at.producers.replayEnd(record.marker, offset);
        this.offsets.replayEnd(record.marker.producerId, record.marker.isCommit);
        return;
      case 'GroupMetadata':
        this.#replayGroupMetadata(record);
        return;
      default:
        if (isConsumerGroupRecord(record)) replayIntoGroups(this, record);
    }
  }

  #replayOffset(
    record: GroupRecordOf<'OffsetCommit' | 'LegacyOffsetCommit'>,
    offset: number,
  ): void {
    if (record.producer !== undefined) this.at.producers.replayWrite(record.producer, offset);
    this.offsets.replay(record, offset);
    const { group } = record.key;
    if (record.value !== null && !this.groups.has(group)) this.#create(group);
  }

  #replayGroupMetadata(record: GroupRecordOf<'GroupMetadata'>): void {
    const groupId = record.key.group;
    if (record.value === null) {
      const group = this.groups.get(groupId);
      if (group?.kind === 'classic') this.#onDeleted(group);
      return;
    }
    const known = this.groups.get(groupId);
    const group = known?.kind === 'classic' ? known : this.#create(groupId);
    group.stored = record.value;
  }

  #onDeleted(group: ClassicGroup): void {
    group.stored = null;
    if (!this.offsets.has(group.groupId)) this.groups.delete(group.groupId);
  }

  #create(groupId: string): ClassicGroup {
    const group = new ClassicGroup(groupId, this.at.clock.now());
    this.groups.set(groupId, group);
    return group;
  }

  /** The log is replayed: groups come to life, and their members' sessions begin anew. */
  onLoaded(outcome: Outcome): void {
    this.loadedAtMs = this.at.clock.monotonic();
    const nowMs = this.at.clock.now();
    for (const group of [...this.groups.values()]) {
      if (group.kind === 'consumer') {
        resumeConsumerGroup(this, group);
        continue;
      }
      if (group.stored === null) {
        this.maybeForget(group);
        continue;
      }
      restoreGroup(group, group.stored, nowMs);
      for (const member of group.members.values()) this.rebalance.sessions.restart(group, member);
      // Nobody had an assignment yet, or not one that a leader made: the rebalance that the restart
      // interrupted goes on.
      const isUnassigned = [...group.members.values()].every(
        ({ assignment }) => assignment.length === 0,
      );
      const isInterrupted = isUnassigned || group.stored.leader === null;
      if (group.members.size > 0 && isInterrupted) this.rebalance.prepare(group, outcome);
    }
  }

  /** The machine is thrown away: whoever waits asks the next coordinator. */
  abandon(error: KafkaError): void {
    for (const group of this.groups.values()) {
      if (group.kind === 'consumer') continue;
      for (const member of group.members.values()) {
        group.takeJoin(member)?.(failedJoin(error.code, member.memberId));
        group.takeSync(member)?.(failedSync(error.code));
      }
    }
    this.groups.clear();
  }

  /** The group, made if nobody has heard of it. */
  classicGroup(groupId: string): ClassicGroup {
    const group = this.groups.get(groupId) ?? this.#create(groupId);
    assert(group.kind === 'classic', `${groupId} is a classic group`);
    return group;
  }

  consumerGroup(groupId: string): ConsumerGroup | undefined {
    const group = this.groups.get(groupId);
    return group?.kind === 'consumer' ? group : undefined;
  }

  /** An empty group of the other protocol gives way: its last records, and a classic group. */
  replaceEmptyConsumerGroup(groupId: string, outcome: Outcome): void {
    const group = this.consumerGroup(groupId);
    if (group === undefined || !group.isEmpty) return;
    outcome.append(...groupTombstones(group));
    this.#create(groupId);
  }

  /**
   * The classic group that a member by its own account is in.
   * @throws KafkaError UNKNOWN_MEMBER_ID
   */
  classicMembersGroup(groupId: string): ClassicGroup {
    const group = this.group(groupId, 'UNKNOWN_MEMBER_ID');
    if (group.kind !== 'classic') throw new KafkaError('UNKNOWN_MEMBER_ID');
    return group;
  }

  /** @throws KafkaError with the given code when there is no such group. */
  group(groupId: string, missing: 'UNKNOWN_MEMBER_ID' | 'GROUP_ID_NOT_FOUND'): Group {
    const group = this.groups.get(groupId);
    if (group === undefined) throw new KafkaError(missing, `Group ${groupId} not found.`);
    return group;
  }

  /** A group that left no trace in the log and has nobody is no group. */
  maybeForget(group: Group): void {
    if (group.kind === 'consumer' || !group.isForgettable || this.offsets.has(group.groupId))
      return;
    group.cancelTimers();
    this.groups.delete(group.groupId);
  }

  /** Removes an empty group with all that it committed; the code of the error, or 0. */
  deleteGroup(groupId: string, outcome: Outcome): number {
    const group = this.groups.get(groupId);
    if (group === undefined) return ErrorCode.GROUP_ID_NOT_FOUND;
    if (!group.isEmpty) return ErrorCode.NON_EMPTY_GROUP;
    forgetOffsetsIf(this.offsets, groupId, { condition: () => true, outcome });
    this.bury(group, outcome);
    return 0;
  }

  /** The last record of a group. */
  bury(group: Group, outcome: Outcome): void {
    if (group.kind === 'consumer') {
      outcome.append(...groupTombstones(group));
      return;
    }
    for (const timer of group.pendingMembers.values()) timer.cancel();
    group.pendingMembers.clear();
    group.cancelTimers();
    group.become('Dead', this.at.clock.now());
    outcome.append(groupTombstone(group.groupId));
  }
}
