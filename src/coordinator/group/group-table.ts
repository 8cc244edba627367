// The groups whose offsets and members live in one partition of __consumer_offsets, as decisions
// find them: by id, of either kind, with what they have committed and the clocks of their members.
// Who decides changes it through here; what is durable about a group changes by replay only
// (group-machine.ts).
//
// Invariant: a group that left no trace in the log and has nobody is no group.

import { assert } from '../../base/assert.ts';
import { ErrorCode, KafkaError } from '../../protocol/index.ts';
import { ClassicGroup, groupTombstone, Rebalance } from './classic/index.ts';
import {
  type ConsumerGroup,
  ConsumerTimers,
  groupTombstones,
  type LateMember,
} from './consumer/index.ts';
import type { GroupContext, Outcome } from './decision.ts';
import { CommittedOffsets, type DecidedProducers, forgetOffsetsIf } from './offsets/index.ts';

/** A group that only has offsets is a classic one that nobody ever joined. */
export type Group = ClassicGroup | ConsumerGroup;

export interface GroupTableOptions {
  /** Who may write in a transaction. */
  readonly producers: DecidedProducers;
  /** Another coordinator, or this one before a restart, has served these groups. */
  readonly hadPredecessor: boolean;
  /** A member of a consumer group did not do in time what it owed. */
  readonly onLate: (late: LateMember, outcome: Outcome) => void;
}

export class GroupTable {
  readonly at: GroupContext;
  readonly groups = new Map<string, Group>();
  readonly offsets = new CommittedOffsets();
  readonly producers: DecidedProducers;
  /** Of classic groups; the clocks of their members are in it. */
  readonly rebalance: Rebalance;
  readonly consumerTimers: ConsumerTimers;
  /** Monotonic; null until the log is replayed. */
  loadedAtMs: number | null = null;
  readonly hadPredecessor: boolean;

  constructor(at: GroupContext, { producers, hadPredecessor, onLate }: GroupTableOptions) {
    this.at = at;
    this.producers = producers;
    this.hadPredecessor = hadPredecessor;
    this.consumerTimers = new ConsumerTimers(at, onLate);
    this.rebalance = new Rebalance(at, (group) => this.maybeForget(group));
  }

  /** @throws KafkaError with the given code when there is no such group. */
  group(groupId: string, missing: 'UNKNOWN_MEMBER_ID' | 'GROUP_ID_NOT_FOUND'): Group {
    const group = this.groups.get(groupId);
    if (group === undefined) throw new KafkaError(missing, `Group ${groupId} not found.`);
    return group;
  }

  consumerGroup(groupId: string): ConsumerGroup | undefined {
    const group = this.groups.get(groupId);
    return group?.kind === 'consumer' ? group : undefined;
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

  /** The group, made if nobody has heard of it. */
  classicGroup(groupId: string): ClassicGroup {
    const group = this.groups.get(groupId) ?? this.newClassicGroup(groupId);
    assert(group.kind === 'classic', `${groupId} is a classic group`);
    return group;
  }

  newClassicGroup(groupId: string): ClassicGroup {
    const group = new ClassicGroup(groupId, this.at.clock.now());
    this.groups.set(groupId, group);
    return group;
  }

  /** An empty group of the other protocol gives way: its last records, and a classic group. */
  replaceEmptyConsumerGroup(groupId: string, outcome: Outcome): void {
    const group = this.consumerGroup(groupId);
    if (group === undefined || !group.isEmpty) return;
    outcome.appendAll(groupTombstones(group));
    this.newClassicGroup(groupId);
  }

  maybeForget(group: Group): void {
    if (group.kind === 'consumer' || !group.isForgettable || this.offsets.has(group.groupId))
      return;
    group.cancelTimers();
    this.groups.delete(group.groupId);
  }

  /** DeleteGroups: an empty group goes with all that it committed; the code of the error, or 0. */
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
      outcome.appendAll(groupTombstones(group));
      return;
    }
    for (const timer of group.pendingMembers.values()) timer.cancel();
    group.pendingMembers.clear();
    group.cancelTimers();
    group.become('Dead', this.at.clock.now());
    outcome.append(groupTombstone(group.groupId));
  }
}
