// JoinGroup: who may come in, under which id, and whether that disturbs the others.

import { Deferred } from '../../../base/deferred.ts';
import { ErrorCode, type joinGroup, KafkaError, type RequestOf } from '../../../protocol/index.ts';
import type { GroupClient } from '../group-context.ts';
import type { Outcome } from '../outcome.ts';
import type { ClassicGroup } from './classic-group.ts';
import { ClassicMember, type JoinAnswer } from './classic-member.ts';
import { assertMember } from './fencing.ts';
import { groupMetadataRecord } from './group-metadata.ts';
import { failedJoin, failedSync, joinAnswer, membersOf, type Rebalance } from './rebalance.ts';
import { newMemberTimeoutMs } from './sessions.ts';
import { isSameSubscription, owesAnotherJoin } from './subscription.ts';

export type JoinGroupRequest = RequestOf<typeof joinGroup>;

export interface JoinOptions {
  readonly request: JoinGroupRequest;
  readonly client: GroupClient;
  /** From version 4 on a dynamic member comes twice (KIP-394). */
  readonly isIdRequiredFirst: boolean;
  /** From version 9 on the leader can be told not to compute an assignment (KIP-814). */
  readonly canSkipAssignment: boolean;
  /** The machine was loaded a moment ago: ids that it does not know may have been pending. */
  readonly isIdTrusted: boolean;
}

type Answer = JoinAnswer | Promise<JoinAnswer>;

export class JoinGroup {
  readonly #rebalance: Rebalance;

  constructor(rebalance: Rebalance) {
    this.#rebalance = rebalance;
  }

  /** @throws KafkaError before anything changed; answers that name an id are values. */
  join(group: ClassicGroup, options: JoinOptions, outcome: Outcome): Answer {
    const { request } = options;
    if (group.state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
    if (!this.#hasRoom(group, request.memberId)) return this.#refuse(group, request, outcome);
    if (!group.supports(request.protocolType, request.protocols)) {
      throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL');
    }
    return request.memberId === ''
      ? this.#joinNew(group, options, outcome)
      : this.#joinKnown(group, options, outcome);
  }

  /** Members may always come back; while the group gathers, those who wait are those who count. */
  #hasRoom(group: ClassicGroup, memberId: string): boolean {
    const membersMax = this.#rebalance.at.config().get('group.max.size');
    const member = group.members.get(memberId);
    if (group.isEmpty) return true;
    if (group.state === 'PreparingRebalance') {
      return (member?.joinAnswer ?? null) !== null || group.awaitingJoinCount < membersMax;
    }
    return member !== undefined || group.members.size < membersMax;
  }

  #refuse(group: ClassicGroup, request: JoinGroupRequest, outcome: Outcome): JoinAnswer {
    const member = group.members.get(request.memberId);
    if (member !== undefined) this.#rebalance.removeMember(group, member, outcome);
    return failedJoin(ErrorCode.GROUP_MAX_SIZE_REACHED, '');
  }

  #joinNew(group: ClassicGroup, options: JoinOptions, outcome: Outcome): Answer {
    const { request, client } = options;
    const { groupInstanceId } = request;
    const { at } = this.#rebalance;
    const memberId = `${groupInstanceId ?? client.clientId}-${at.newUuid()}`;
    const oldMemberId = group.memberIdOf(groupInstanceId);
    if (oldMemberId !== undefined) {
      const old = group.members.get(oldMemberId) as ClassicMember;
      return this.#replaceStatic(group, { options, old, memberId }, outcome);
    }
    if (groupInstanceId === null && options.isIdRequiredFirst) {
      this.#rebalance.addPending(group, memberId, request.sessionTimeoutMs);
      return failedJoin(ErrorCode.MEMBER_ID_REQUIRED, memberId);
    }
    return this.#add(group, { options, memberId }, outcome);
  }

  #joinKnown(group: ClassicGroup, options: JoinOptions, outcome: Outcome): Answer {
    const { request } = options;
    const { memberId, groupInstanceId } = request;
    const isUnheard = options.isIdTrusted && groupInstanceId === null;
    if (group.pendingMembers.has(memberId) || (isUnheard && !group.members.has(memberId))) {
      group.pendingMembers.get(memberId)?.cancel();
      group.pendingMembers.delete(memberId);
      return this.#add(group, { options, memberId }, outcome);
    }
    const member = assertMember(group, memberId, groupInstanceId);
    const isUnchanged = member.matches(request.protocols);
    switch (group.state) {
      case 'PreparingRebalance':
        return this.#update(group, { options, member }, outcome);
      case 'CompletingRebalance':
        // Our answer was lost: here it is again.
        if (isUnchanged) return joinAnswer(group, member);
        return this.#update(group, { options, member }, outcome);
      case 'Stable':
        // A leader joins again to have the assignment computed anew.
        if (!isUnchanged || group.leaderId === memberId) {
          return this.#update(group, { options, member }, outcome);
        }
        return joinAnswer(group, member);
      default:
        throw new KafkaError('UNKNOWN_MEMBER_ID');
    }
  }

  #add(
    group: ClassicGroup,
    { options, memberId }: { options: JoinOptions; memberId: string },
    outcome: Outcome,
  ): Promise<JoinAnswer> {
    const member = newMember(options, memberId);
    member.isNew = true;
    group.add(member, options.request.protocolType);
    if (group.isInitialRebalance) group.hasNewMember = true;
    const answer = this.#park(group, member);
    this.#rebalance.sessions.restart(group, member, newMemberTimeoutMs);
    this.#rebalance.prepareOrComplete(group, outcome);
    return answer;
  }

  #update(
    group: ClassicGroup,
    { options, member }: { options: JoinOptions; member: ClassicMember },
    outcome: Outcome,
  ): Promise<JoinAnswer> {
    const { request, client } = options;
    group.setProtocols(member, request.protocols);
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    member.rebalanceTimeoutMs = rebalanceTimeoutOf(request);
    member.clientId = client.clientId;
    member.clientHost = client.clientHost;
    const answer = this.#park(group, member);
    this.#rebalance.sessions.restart(group, member);
    this.#rebalance.prepareOrComplete(group, outcome);
    return answer;
  }

  /** A request of the same member that still waits belongs to a connection that is gone. */
  #park(group: ClassicGroup, member: ClassicMember): Promise<JoinAnswer> {
    const answer = new Deferred<JoinAnswer>();
    const earlier = group.takeJoin(member);
    group.awaitJoin(member, answer.resolve);
    earlier?.(failedJoin(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId));
    return answer.promise;
  }

  /** The process behind a static member restarted: it takes its old place under a new id. */
  #replaceStatic(
    group: ClassicGroup,
    { options, old, memberId }: { options: JoinOptions; old: ClassicMember; memberId: string },
    outcome: Outcome,
  ): Answer {
    const member = newMember(options, memberId);
    member.assignment = old.assignment;
    const metadataBefore = old.metadataOf(group.protocolName);
    const leaderBefore = group.leaderId ?? '';
    const answerJoin = group.takeJoin(old);
    const answerSync = group.takeSync(old);
    outcome.whenCommitted(() => {
      answerJoin?.(failedJoin(ErrorCode.FENCED_INSTANCE_ID, old.memberId));
      answerSync?.(failedSync(ErrorCode.FENCED_INSTANCE_ID));
    });
    group.replace(old, member);
    this.#rebalance.sessions.restart(group, member);
    // What the old process was about to give away would stay without an owner.
    const isAsBefore =
      !owesAnotherJoin(metadataBefore, old.assignment) &&
      group.selectProtocol() === group.protocolName &&
      isSameSubscription(member.metadataOf(group.protocolName), metadataBefore);
    if (group.state !== 'Stable' || !isAsBefore) {
      const answer = this.#park(group, member);
      this.#rebalance.prepareOrComplete(group, outcome);
      return answer;
    }
    outcome.append(groupMetadataRecord(group));
    if (group.leaderId !== memberId) return joinAnswer(group, member);
    // The leader gets nothing to do, or it would hand out an assignment that nobody waits for:
    // where the version can say so it is told, before that it is not told that it leads.
    return options.canSkipAssignment
      ? { ...joinAnswer(group, member), members: membersOf(group), skipAssignment: true }
      : { ...joinAnswer(group, member), members: [], leader: leaderBefore };
  }
}

function newMember({ request, client }: JoinOptions, memberId: string): ClassicMember {
  return new ClassicMember({
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: client.clientId,
    clientHost: client.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutOf(request),
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: request.protocols,
  });
}

/** Version 0 has one timeout for both. */
function rebalanceTimeoutOf(request: JoinGroupRequest): number {
  return request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs;
}
