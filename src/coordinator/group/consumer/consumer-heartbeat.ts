// ConsumerGroupHeartbeat: the one request of KIP-848. A member says what it wants and has; it hears
// its epoch and what it shall have. In one decision: the member is found or made, its subscription
// taken down, the group's epoch moved on if anything changed, the target computed for it, and the
// member brought a step closer to it.

import {
  type consumerGroupHeartbeat,
  KafkaError,
  type ResponseInput,
} from '../../../protocol/index.ts';
import type { GroupClient } from '../group-context.ts';
import type { GroupMachine } from '../group-machine.ts';
import type { GroupRecord } from '../group-record.ts';
import type { Outcome } from '../outcome.ts';
import { type ConsumerGroup, isReconciledTo } from './consumer-group.ts';
import {
  type ConsumerMember,
  isSameMetadata,
  isSameNames,
  joiningEpoch,
  MemberState,
  newConsumerMember,
  sortedNames,
} from './consumer-member.ts';
import {
  currentAssignmentRecord,
  groupEpochRecord,
  memberRecord,
  memberTombstones,
  regexRecord,
  regexTombstone,
  targetRecord,
} from './consumer-records.ts';
import { assertEpoch, assertHasRoom, assertIsAway, assertIsOwnerOfInstance } from './membership.ts';
import { reconcile } from './reconcile.ts';
import { leaveConsumerGroup, restartSession, updateRebalanceTimer } from './remove-members.ts';
import { isConsumerGroupRecord, replayConsumerRecord } from './replay-consumer-records.ts';
import {
  isSameTopics,
  membersWith,
  metadataHash,
  type Regexes,
  resolveRegex,
  subscribedTopics,
  topicIdsOf,
} from './subscriptions.ts';
import { groupSetting, maybeUpdateTarget, preferredAssignor } from './target-assignment.ts';
import { isSameOwned, type TopicPartitionList } from './topic-partitions.ts';
import { openForConsumers } from './upgrade.ts';
import { type ConsumerHeartbeatRequest, regexOf } from './validate-heartbeat.ts';

export type ConsumerHeartbeatAnswer = Omit<
  ResponseInput<typeof consumerGroupHeartbeat>,
  'throttleTimeMs'
>;

export interface ConsumerHeartbeatContext {
  readonly request: ConsumerHeartbeatRequest;
  readonly client: GroupClient;
}

/** Expressions are looked at again when topics changed, but not more often than this. */
const regexIntervalMs = 1000;

/** @throws KafkaError before anything changed */
export function onConsumerHeartbeat(
  machine: GroupMachine,
  { request, client }: ConsumerHeartbeatContext,
  outcome: Outcome,
): ConsumerHeartbeatAnswer {
  const { groupId, memberEpoch, instanceId } = request;
  if (memberEpoch < joiningEpoch) {
    const group = machine.consumerGroup(groupId);
    if (group === undefined) throw unknownGroup(groupId);
    leaveConsumerGroup(machine, group, { leaving: request, outcome });
    return { errorCode: 0, memberId: request.memberId, memberEpoch, heartbeatIntervalMs: 0 };
  }
  const isJoin = memberEpoch === joiningEpoch;
  const opened = openForConsumers(machine, groupId, { isJoin, outcome });
  const memberId = request.memberId === '' ? machine.at.newUuid() : request.memberId;
  const identity = { memberId, instanceId };
  assertHasRoom(opened.group, identity, machine.at.config().get('group.consumer.max.size'));
  const found = findMember(opened.group, { request, memberId, outcome });
  const { group, member } = found;
  const wanted = withRequest(member, { request, client });
  const step = advance(machine, group, {
    member,
    wanted,
    owned: request.topicPartitions,
    outcome,
  });
  opened.finish();
  if (found.replacedId !== null) {
    machine.consumerTimers.cancelAll({ groupId, memberId: found.replacedId });
  }
  applyTimers(machine, group, { before: member, after: step.member });
  const { member: updated } = step;
  const isFull =
    request.rebalanceTimeoutMs !== -1 &&
    (request.subscribedTopicNames !== null || regexOf(request) !== null) &&
    request.topicPartitions !== null;
  const hasNews = isJoin || isFull || !isSameOwned(member.assigned, updated.assigned);
  return {
    errorCode: 0,
    memberId,
    memberEpoch: updated.memberEpoch,
    heartbeatIntervalMs: groupSetting(machine.at, groupId, 'heartbeat.interval.ms'),
    assignment: hasNews ? { topicPartitions: assignmentOf(updated) } : null,
  };
}

function assignmentOf(member: ConsumerMember): { topicId: string; partitions: number[] }[] {
  return [...member.assigned].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()],
  }));
}

export function unknownGroup(groupId: string): KafkaError {
  return new KafkaError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`);
}

interface Found {
  /** A copy if the member took the place of another one. */
  readonly group: ConsumerGroup;
  readonly member: ConsumerMember;
  readonly replacedId: string | null;
}

function findMember(
  group: ConsumerGroup,
  options: { request: ConsumerHeartbeatRequest; memberId: string; outcome: Outcome },
): Found {
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
): Found {
  const { known, memberId, outcome } = options;
  const { groupId } = group;
  const member = { ...known, memberId, memberEpoch: 0, previousMemberEpoch: 0 };
  const records: GroupRecord[] = [
    ...memberTombstones(groupId, known.memberId),
    memberRecord(groupId, member),
    targetRecord(groupId, memberId, group.targetOf(known.memberId)),
    currentAssignmentRecord(groupId, member),
  ];
  outcome.append(...records);
  const copy = group.copy();
  for (const record of records)
    if (isConsumerGroupRecord(record)) replayConsumerRecord(copy, record);
  return { group: copy, member, replacedId: known.memberId };
}

/** What is null in the request has not changed. */
function withRequest(
  member: ConsumerMember,
  { request, client }: ConsumerHeartbeatContext,
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

export interface Advance {
  readonly member: ConsumerMember;
  /** The same member as it wants to be. */
  readonly wanted: ConsumerMember;
  readonly owned: readonly TopicPartitionList[] | null;
  readonly outcome: Outcome;
}

/** Brings group and member a step further; timers are left alone. */
export function advance(
  machine: GroupMachine,
  group: ConsumerGroup,
  { member, wanted, owned, outcome }: Advance,
): { member: ConsumerMember; groupEpoch: number } {
  const { groupId } = group;
  const { at } = machine;
  const isNew = !group.members.has(member.memberId);
  if (isNew || !isSameMetadata(member, wanted)) outcome.append(memberRecord(groupId, wanted));
  const members = membersWith(group, wanted);
  const resolved = resolveRegexes(machine, group, members);
  outcome.append(...resolved.records);
  const { regexes } = resolved;
  const hasSubscriptionChanged =
    isNew ||
    !isSameNames(member.topicNames, wanted.topicNames) ||
    member.topicRegex !== wanted.topicRegex;
  const hasAssignorChanged =
    preferredAssignor(at.config(), group.members.values()).name !==
    preferredAssignor(at.config(), members).name;
  const image = at.image();
  let { groupEpoch } = group;
  const isStale =
    hasSubscriptionChanged ||
    resolved.records.length > 0 ||
    group.seenTopics !== image.topicsByName;
  const hash = isStale
    ? metadataHash(subscribedTopics(members, regexes, image), image)
    : group.metadataHash;
  if (hasSubscriptionChanged || hasAssignorChanged || hash !== group.metadataHash) {
    groupEpoch += 1;
    outcome.append(groupEpochRecord(groupId, { epoch: groupEpoch, metadataHash: hash }));
  }
  group.seenTopics = image.topicsByName;
  const { memberId } = wanted;
  const input = { groupEpoch, members, memberId, regexes };
  const target = maybeUpdateTarget(at, group, { input, outcome });
  if (!hasSubscriptionChanged && isReconciledTo(wanted, target.epoch)) {
    return { member: wanted, groupEpoch };
  }
  const updated = reconcile(wanted, {
    targetEpoch: target.epoch,
    target: target.partitions,
    subscribedTopicIds: topicIdsOf(wanted, regexes, image),
    hasSubscriptionChanged,
    ownerOf: (topicId, partition) => group.ownerOf(topicId, partition),
    owned,
  });
  if (isNew || !isSameStep(wanted, updated)) {
    outcome.append(currentAssignmentRecord(groupId, updated));
  }
  return { member: updated, groupEpoch };
}

function isSameStep(one: ConsumerMember, other: ConsumerMember): boolean {
  return (
    one.memberEpoch === other.memberEpoch &&
    one.previousMemberEpoch === other.previousMemberEpoch &&
    one.state === other.state &&
    isSameOwned(one.assigned, other.assigned) &&
    isSameOwned(one.pendingRevocation, other.pendingRevocation)
  );
}

/** Resolves expressions that are new, all when topics changed; forgets those nobody has. */
function resolveRegexes(
  machine: GroupMachine,
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
): { regexes: Regexes; records: GroupRecord[] } {
  const wanted = new Set(members.map(({ topicRegex }) => topicRegex).filter((one) => one !== ''));
  const records: GroupRecord[] = [];
  if (wanted.size === 0 && group.regexes.size === 0) return { regexes: group.regexes, records };
  const image = machine.at.image();
  const nowMs = machine.at.clock.now();
  const monotonicMs = machine.at.clock.monotonic();
  const isRefresh =
    group.regexTopics !== image.topicsByName && monotonicMs >= group.regexAtMs + regexIntervalMs;
  const regexes = new Map(group.regexes);
  for (const regex of wanted) {
    const before = group.regexes.get(regex);
    if (before !== undefined && !isRefresh) continue;
    const resolved = resolveRegex(image, regex, nowMs);
    if (before !== undefined && isSameTopics(before.topics, resolved.topics)) continue;
    regexes.set(regex, resolved);
    records.push(regexRecord(group.groupId, regex, resolved));
  }
  for (const regex of group.regexes.keys()) {
    if (wanted.has(regex)) continue;
    regexes.delete(regex);
    records.push(regexTombstone(group.groupId, regex));
  }
  if (isRefresh) {
    group.regexTopics = image.topicsByName;
    group.regexAtMs = monotonicMs;
  }
  return { regexes, records };
}

export function applyTimers(
  machine: GroupMachine,
  { groupId }: ConsumerGroup,
  { before, after }: { before: ConsumerMember; after: ConsumerMember },
): void {
  const { memberId } = after;
  restartSession(machine, groupId, after);
  if (after.classic !== null) return;
  machine.consumerTimers.cancel('join', { groupId, memberId });
  machine.consumerTimers.cancel('sync', { groupId, memberId });
  if (after.state !== MemberState.UNREVOKED) {
    machine.consumerTimers.cancel('rebalance', { groupId, memberId });
  } else if (!isSameStep(before, after)) {
    updateRebalanceTimer(machine, groupId, after);
  }
}
