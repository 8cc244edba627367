// SyncGroup: the leader brings the assignment, everybody takes his part.

import { Deferred } from '../../../base/deferred.ts';
import { ErrorCode, KafkaError, type RequestOf, type syncGroup } from '../../../protocol/index.ts';
import type { Outcome } from '../outcome.ts';
import type { ClassicGroup } from './classic-group.ts';
import { type ClassicMember, noBytes, type SyncAnswer } from './classic-member.ts';
import { assertGeneration, assertMember } from './fencing.ts';
import { groupMetadataBytes, groupMetadataRecord } from './group-metadata.ts';
import { failedSync, type Rebalance } from './rebalance.ts';

export type SyncGroupRequest = RequestOf<typeof syncGroup>;

export class SyncGroup {
  readonly #rebalance: Rebalance;

  constructor(rebalance: Rebalance) {
    this.#rebalance = rebalance;
  }

  sync(
    group: ClassicGroup,
    request: SyncGroupRequest,
    outcome: Outcome,
  ): SyncAnswer | Promise<SyncAnswer> {
    if (group.state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
    const member = assertMember(group, request.memberId, request.groupInstanceId);
    assertGeneration(group, request.generationId);
    assertProtocol(group, request);
    switch (group.state) {
      case 'PreparingRebalance':
        throw new KafkaError('REBALANCE_IN_PROGRESS');
      case 'CompletingRebalance': {
        const answer = this.#park(group, member);
        if (group.leaderId === member.memberId) this.#assign(group, request, outcome);
        return answer;
      }
      case 'Stable':
        group.pendingSyncs.delete(member.memberId);
        this.#rebalance.sessions.restart(group, member);
        return syncAnswer(group, member);
      default:
        throw new KafkaError('UNKNOWN_MEMBER_ID');
    }
  }

  #park(group: ClassicGroup, member: ClassicMember): Promise<SyncAnswer> {
    const answer = new Deferred<SyncAnswer>();
    const earlier = group.takeSync(member);
    member.syncAnswer = answer.resolve;
    group.pendingSyncs.delete(member.memberId);
    earlier?.(failedSync(ErrorCode.REBALANCE_IN_PROGRESS));
    return answer.promise;
  }

  #assign(group: ClassicGroup, request: SyncGroupRequest, outcome: Outcome): void {
    const { at } = this.#rebalance;
    const assignments = new Map(
      request.assignments.map(({ memberId, assignment }) => [memberId, assignment]),
    );
    const assignmentOf = ({ memberId }: ClassicMember): Buffer =>
      assignments.get(memberId) ?? noBytes;
    if (groupMetadataBytes(group, assignmentOf) > at.recordBytesMax()) {
      // What cannot be written is not handed out: the members learn it and try again.
      this.#rebalance.failSyncs(group, ErrorCode.UNKNOWN_SERVER_ERROR, outcome);
      this.#rebalance.prepare(group, outcome);
      return;
    }
    group.become('Stable', at.clock.now());
    for (const member of group.members.values()) {
      member.assignment = assignmentOf(member);
      const respond = group.takeSync(member);
      if (respond === null) continue;
      this.#rebalance.sessions.restart(group, member);
      const answer = syncAnswer(group, member);
      outcome.whenCommitted(() => respond(answer));
    }
    outcome.append(groupMetadataRecord(group));
  }
}

/** KIP-559: a member that joined with another protocol in mind must not take the assignment. */
function assertProtocol(group: ClassicGroup, request: SyncGroupRequest): void {
  const isSame =
    (request.protocolType === null || request.protocolType === group.protocolType) &&
    (request.protocolName === null || request.protocolName === group.protocolName);
  if (!isSame) throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL');
}

function syncAnswer(group: ClassicGroup, member: ClassicMember): SyncAnswer {
  return {
    errorCode: 0,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  };
}
