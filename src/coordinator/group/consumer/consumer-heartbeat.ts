// ConsumerGroupHeartbeat: the one request of KIP-848, once its group is known. A member says what
// it wants and has; it hears its epoch and what it shall have. The member is found or made, and
// brought a step closer to what it shall have (step.ts).

import {
  type consumerGroupHeartbeat,
  KafkaError,
  type ResponseInput,
} from '../../../protocol/index.ts';
import type { GroupClient, Outcome } from '../decision.ts';
import type { GroupRecord } from '../group-record.ts';
import type { ConsumerGroup, TopicRights } from './consumer-group.ts';
import {
  type ConsumerMember,
  joiningEpoch,
  MemberState,
  newConsumerMember,
  sortedNames,
} from './consumer-member.ts';
import {
  currentAssignmentRecord,
  memberRecord,
  memberTombstones,
  targetRecord,
} from './consumer-records.ts';
import { type ConsumerTimers, groupSetting } from './consumer-timers.ts';
import { assertEpoch, assertHasRoom, assertIsAway, assertIsOwnerOfInstance } from './fencing.ts';
import { isConsumerGroupRecord, replayConsumerRecord } from './replay-consumer-records.ts';
import { advance, isSameStep } from './step.ts';
import { isSameOwned } from './topic-partitions.ts';
import { type ConsumerHeartbeatRequest, regexOf } from './validate-heartbeat.ts';

export type ConsumerHeartbeatAnswer = Omit<
  ResponseInput<typeof consumerGroupHeartbeat>,
  'throttleTimeMs'
>;

export interface ConsumerHeartbeat {
  readonly request: ConsumerHeartbeatRequest;
  readonly client: GroupClient;
  /** null: everybody may describe everything. */
  readonly rights: TopicRights | null;
}

/** A consumer group as a request finds it, or one that was made or converted for it. */
export interface OpenedGroup {
  readonly group: ConsumerGroup;
  /** To be called when the decision can fail no more: what was soft about the group before ends. */
  readonly finish: () => void;
}

/**
 * Of a member that joins or is in the group.
 * @throws KafkaError before anything changed
 */
export function heartbeatConsumerGroup(
  timers: ConsumerTimers,
  opened: OpenedGroup,
  { request, client, rights, outcome }: ConsumerHeartbeat & { outcome: Outcome },
): ConsumerHeartbeatAnswer {
  const { at } = timers;
  const { groupId, memberEpoch, instanceId } = request;
  const memberId = request.memberId === '' ? at.newUuid() : request.memberId;
  const membersMax = at.config().get('group.consumer.max.size');
  assertHasRoom(opened.group, { memberId, instanceId }, membersMax);
  const found = findMember(opened.group, { request, memberId, outcome });
  const { member } = found;
  const wanted = withRequest(member, { request, client });
  const owned = request.topicPartitions;
  const updated = advance(at, found.group, { member, wanted, owned, rights, outcome });
  opened.group.rights.set(memberId, rights);
  opened.finish();
  if (found.replacedId !== null) timers.cancelAll({ groupId, memberId: found.replacedId });
  applyTimers(timers, groupId, { before: member, after: updated });
  const isFull =
    request.rebalanceTimeoutMs !== -1 &&
    (request.subscribedTopicNames !== null || regexOf(request) !== null) &&
    request.topicPartitions !== null;
  const isJoin = memberEpoch === joiningEpoch;
  const hasNews = isJoin || isFull || !isSameOwned(member.assigned, updated.assigned);
  return {
    errorCode: 0,
    memberId,
    memberEpoch: updated.memberEpoch,
    heartbeatIntervalMs: groupSetting(at, groupId, 'heartbeat.interval.ms'),
    assignment: hasNews ? { topicPartitions: assignmentOf(updated) } : null,
  };
}

function assignmentOf(member: ConsumerMember): { topicId: string; partitions: number[] }[] {
  return [...member.assigned].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()],
  }));
}

export interface FoundMember {
  /** A copy if the member took the place of another one. */
  readonly group: ConsumerGroup;
  readonly member: ConsumerMember;
  readonly replacedId: string | null;
}

function findMember(
  group: ConsumerGroup,
  options: { request: ConsumerHeartbeatRequest; memberId: string; outcome: Outcome },
): FoundMember {
  const { request, memberId, outcome } = options;
  const { memberEpoch, instanceId, topicPartitions } = request;
  const isJoin = memberEpoch === joiningEpoch;
  const known = instanceId === null ? group.members.get(memberId) : group.staticMember(instanceId);
  if (known === undefined) {
    if (!isJoin) throw new KafkaError('UNKNOWN_MEMBER_ID', `${memberId} is not a member.`);
    return { group, member: newConsumerMember(memberId), replacedId: null };
  }
  if (!isJoin) {
    if (instanceId !== null) assertIsOwnerOfInstance(known, memberId);
    assertEpoch(known, memberEpoch, topicPartitions);
    return { group, member: known, replacedId: null };
  }
  if (instanceId === null) return { group, member: known, replacedId: null };
  if (known.classic === null) assertIsAway(known);
  return replaceStatic(group, { known, memberId, outcome });
}

/** The process behind a static member restarted: it gets what the old one had. */
export function replaceStatic(
  group: ConsumerGroup,
  options: { known: ConsumerMember; memberId: string; outcome: Outcome },
): FoundMember {
  const { known, memberId, outcome } = options;
  const { groupId } = group;
  const member = { ...known, memberId, memberEpoch: 0, previousMemberEpoch: 0 };
  const records: GroupRecord[] = [
    ...memberTombstones(groupId, known.memberId),
    memberRecord(groupId, member),
    targetRecord(groupId, memberId, group.targetOf(known.memberId)),
    currentAssignmentRecord(groupId, member),
  ];
  outcome.appendAll(records);
  const copy = group.copy();
  for (const record of records)
    if (isConsumerGroupRecord(record)) replayConsumerRecord(copy, record);
  return { group: copy, member, replacedId: known.memberId };
}

/** What is null in the request has not changed. */
function withRequest(
  member: ConsumerMember,
  { request, client }: Omit<ConsumerHeartbeat, 'rights'>,
): ConsumerMember {
  const { rebalanceTimeoutMs, subscribedTopicNames } = request;
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    topicNames:
      subscribedTopicNames === null ? member.topicNames : sortedNames(subscribedTopicNames),
    topicRegex: regexOf(request) ?? member.topicRegex,
    clientId: client.clientId,
    clientHost: client.clientHost,
    classic: null,
  };
}

function applyTimers(
  timers: ConsumerTimers,
  groupId: string,
  { before, after }: { before: ConsumerMember; after: ConsumerMember },
): void {
  const { memberId } = after;
  timers.restartSession(groupId, after);
  if (after.classic !== null) return;
  timers.cancel('join', { groupId, memberId });
  timers.cancel('sync', { groupId, memberId });
  if (after.state !== MemberState.UNREVOKED) {
    timers.cancel('rebalance', { groupId, memberId });
  } else if (!isSameStep(before, after)) {
    timers.restartRebalance(groupId, after);
  }
}
