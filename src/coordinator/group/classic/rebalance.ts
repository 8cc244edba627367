// How a classic group comes to a new generation: everybody is called to join, those who come in
// time are in, the leader among them computes the assignment.
//
//   Empty, Stable, CompletingRebalance  --prepare-->  PreparingRebalance
//   PreparingRebalance  --all joined, or time is up-->  CompletingRebalance, or Empty
//   CompletingRebalance  --the leader syncs-->  Stable  (sync-group.ts)
//
// Invariants: a join parked in PreparingRebalance is answered when the phase ends, at the latest
// when its time is up; a sync parked in CompletingRebalance is answered when that state is left.

import { ErrorCode } from '../../../protocol/index.ts';
import type { GroupContext, Outcome } from '../decision.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { ClassicMember } from './classic-member.ts';
import { failedJoin, failedSync, type JoinAnswer, noBytes } from './classic-protocol.ts';
import { groupMetadataBytes, groupMetadataRecord } from './group-metadata.ts';
import { Sessions } from './sessions.ts';

export class Rebalance {
  readonly at: GroupContext;
  readonly sessions: Sessions;
  readonly #onForgettable: (group: ClassicGroup) => void;

  constructor(at: GroupContext, onForgettable: (group: ClassicGroup) => void) {
    this.at = at;
    this.#onForgettable = onForgettable;
    this.sessions = new Sessions(at, (group, member, outcome) => {
      this.removeMember(group, member, outcome);
    });
  }

  /** After a member was added or changed: a rebalance begins, or the running one may be over. */
  prepareOrComplete(group: ClassicGroup, outcome: Outcome): void {
    if (group.state === 'PreparingRebalance') this.maybeComplete(group, outcome);
    else if (group.state !== 'Dead') this.prepare(group, outcome);
  }

  prepare(group: ClassicGroup, outcome: Outcome): void {
    if (group.state === 'CompletingRebalance') {
      this.failSyncs(group, ErrorCode.REBALANCE_IN_PROGRESS, outcome);
    }
    group.cancelTimers();
    group.pendingSyncs.clear();
    group.isInitialRebalance = group.state === 'Empty';
    group.become('PreparingRebalance', this.at.clock.now());
    if (group.isInitialRebalance && group.members.size > 0) {
      group.hasNewMember = false;
      const delayMs = this.at.config().get('group.initial.rebalance.delay.ms');
      this.#waitForFirstMembers(group, delayMs, group.rebalanceTimeoutMs - delayMs);
      return;
    }
    group.isInitialRebalance = false;
    if (group.haveAllJoined) this.complete(group, outcome);
    else this.#waitForJoins(group);
  }

  /** The first members of a group rarely come alone: each gives the next another delay. */
  #waitForFirstMembers(group: ClassicGroup, delayMs: number, remainingMs: number): void {
    group.joinTimer = this.at.later(delayMs, (outcome) => {
      group.joinTimer = null;
      if (!group.hasNewMember || remainingMs <= 0) {
        this.complete(group, outcome);
        return;
      }
      group.hasNewMember = false;
      const initialMs = this.at.config().get('group.initial.rebalance.delay.ms');
      const nextMs = Math.min(initialMs, remainingMs);
      this.#waitForFirstMembers(group, nextMs, remainingMs - nextMs);
    });
  }

  #waitForJoins(group: ClassicGroup): void {
    group.joinTimer = this.at.later(group.rebalanceTimeoutMs, (outcome) => {
      group.joinTimer = null;
      this.complete(group, outcome);
    });
  }

  maybeComplete(group: ClassicGroup, outcome: Outcome): void {
    if (group.state !== 'PreparingRebalance' || group.isInitialRebalance) return;
    if (group.haveAllJoined) this.complete(group, outcome);
  }

  /** The join phase is over: whoever did not come is out, unless it has a name of its own. */
  complete(group: ClassicGroup, outcome: Outcome): void {
    group.cancelTimers();
    group.isInitialRebalance = false;
    for (const member of [...group.members.values()]) {
      if (member.joinAnswer === null && member.groupInstanceId === null) group.remove(member);
    }
    if (group.members.size > 0 && !this.#electLeader(group)) {
      // Static members alone, none of them back: their places are kept until they expire.
      this.#waitForJoins(group);
      return;
    }
    for (const member of group.members.values()) member.assignment = noBytes;
    group.nextGeneration(this.at.clock.now());
    if (group.state === 'Empty') {
      outcome.append(groupMetadataRecord(group));
      return;
    }
    const bytes = groupMetadataBytes(group, () => noBytes);
    // What is too large to be written fails when the leader syncs, as in Kafka.
    if (bytes <= this.at.recordBytesMax()) outcome.append(groupMetadataRecord(group));
    for (const member of group.members.values()) this.#answerJoin(group, member, outcome);
    this.#expireSyncs(group);
  }

  /** The leader must be somebody who is here to lead. */
  #electLeader(group: ClassicGroup): boolean {
    const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId);
    if (leader !== undefined && leader.joinAnswer !== null) return true;
    for (const member of group.members.values()) {
      if (member.joinAnswer === null) continue;
      group.leaderId = member.memberId;
      return true;
    }
    return false;
  }

  #answerJoin(group: ClassicGroup, member: ClassicMember, outcome: Outcome): void {
    const respond = group.takeJoin(member);
    this.sessions.restart(group, member);
    member.isNew = false;
    if (respond === null) return;
    const answer = joinAnswer(group, member);
    outcome.whenCommitted(() => respond(answer));
  }

  /** Members that joined and never ask for their assignment hold up everybody's next commit. */
  #expireSyncs(group: ClassicGroup): void {
    group.syncTimer = this.at.later(group.rebalanceTimeoutMs, (outcome) => {
      group.syncTimer = null;
      const missing = [...group.pendingSyncs];
      if (missing.length === 0) return;
      for (const memberId of missing) {
        const member = group.members.get(memberId);
        if (member !== undefined) group.remove(member);
      }
      this.prepare(group, outcome);
    });
  }

  /** Everybody who waits for an assignment learns that none will come in this generation. */
  failSyncs(group: ClassicGroup, errorCode: number, outcome: Outcome): void {
    for (const member of group.members.values()) {
      member.assignment = noBytes;
      const respond = group.takeSync(member);
      if (respond === null) continue;
      this.sessions.restart(group, member);
      outcome.whenCommitted(() => respond(failedSync(errorCode)));
    }
  }

  /** It left, or was not heard of for too long. */
  removeMember(group: ClassicGroup, member: ClassicMember, outcome: Outcome): void {
    const answerJoin = group.takeJoin(member);
    const answerSync = group.takeSync(member);
    group.remove(member);
    const errorCode = ErrorCode.UNKNOWN_MEMBER_ID;
    outcome.whenCommitted(() => {
      answerJoin?.(failedJoin(errorCode, member.memberId));
      answerSync?.(failedSync(errorCode));
    });
    if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
      this.prepare(group, outcome);
    } else if (group.members.size === 0 && group.state === 'PreparingRebalance') {
      this.#onLastGone(group, outcome);
    } else {
      this.maybeComplete(group, outcome);
    }
  }

  /** With nobody left there is nobody to wait for, not even in a first rebalance. */
  #onLastGone(group: ClassicGroup, outcome: Outcome): void {
    if (group.pendingMembers.size === 0) this.complete(group, outcome);
  }

  addPending(group: ClassicGroup, memberId: string, timeoutMs: number): void {
    const timer = this.at.later(timeoutMs, (outcome) => {
      this.removePending(group, memberId, outcome);
    });
    group.pendingMembers.set(memberId, timer);
  }

  removePending(group: ClassicGroup, memberId: string, outcome: Outcome): void {
    group.pendingMembers.get(memberId)?.cancel();
    if (!group.pendingMembers.delete(memberId)) return;
    this.maybeComplete(group, outcome);
    if (group.isForgettable) this.#onForgettable(group);
  }
}

/** What a member learns of the current generation; its leader learns of everybody. */
export function joinAnswer(group: ClassicGroup, member: ClassicMember): JoinAnswer {
  const isLeader = group.leaderId === member.memberId;
  return {
    errorCode: 0,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    memberId: member.memberId,
    members: isLeader ? membersOf(group) : [],
  };
}

export function membersOf(group: ClassicGroup): JoinAnswer['members'] {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: member.metadataOf(group.protocolName),
  }));
}
