// The requests about committed offsets, from the group id on; what goes by the clock; and what
// follows from deleted topics.

import { ZERO_UUID } from '../../../base/uuid.ts';
import type { TopicImage } from '../../../metadata/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { assertMayCommit } from '../classic/validate-commit.ts';
import {
  assertMayFetch,
  type CommitCheck,
  checkCommit,
} from '../consumer/validate-member-epoch.ts';
import type { GroupMachine } from '../group-machine.ts';
import type { Outcome } from '../outcome.ts';
import {
  type CommitRequest,
  type CommittedTopic,
  commitOffsets,
  stringBytesMax,
} from './commit-offsets.ts';
import { type FetchedTopic, fetchOffsets, type WantedTopic } from './fetch-offsets.ts';
import {
  type DeletedTopic,
  type DeleteTopic,
  deleteOffsets,
  forgetExpiredOffsets,
  forgetOffsetsIf,
  isOfTopic,
} from './forget-offsets.ts';

export function onCommit(
  machine: GroupMachine,
  request: CommitRequest,
  outcome: Outcome,
): CommittedTopic[] {
  // An empty id is accepted for the sake of old clients that have no group.
  if (Buffer.byteLength(request.groupId) > stringBytesMax) throw new KafkaError('INVALID_GROUP_ID');
  const group = machine.groups.get(request.groupId);
  let check: CommitCheck | undefined;
  if (group?.kind === 'consumer') check = checkCommit(group, request, machine.at.image());
  else if (group !== undefined) assertMayCommit(group, request, machine.rebalance.sessions);
  else if (request.generationIdOrMemberEpoch >= 0) throw new KafkaError('ILLEGAL_GENERATION');
  return commitOffsets(machine.at, { request, check }, outcome);
}

/** Who fetches, where the version says so: members hear that they are late. */
export interface FetchingMember {
  readonly memberId: string | null;
  readonly memberEpoch: number;
}

export function onFetch(
  machine: GroupMachine,
  {
    groupId,
    topics,
    member,
    requireStable,
  }: {
    readonly groupId: string;
    readonly topics: readonly WantedTopic[] | null;
    readonly member: FetchingMember;
    readonly requireStable: boolean;
  },
): FetchedTopic[] {
  const group = machine.consumerGroup(groupId);
  if (group !== undefined) assertMayFetch(group, member.memberId, member.memberEpoch);
  return fetchOffsets(machine.offsets, groupId, topics, requireStable);
}

export function onDeleteOffsets(
  machine: GroupMachine,
  request: { readonly groupId: string; readonly topics: readonly DeleteTopic[] },
  outcome: Outcome,
): DeletedTopic[] {
  const group = machine.group(request.groupId, 'GROUP_ID_NOT_FOUND');
  return deleteOffsets(machine.offsets, group, { topics: request.topics, outcome });
}

/** Forgets what the group's offsets have outlived, and the group if nothing is left of it. */
export function expireOffsets(machine: GroupMachine, groupId: string, outcome: Outcome): void {
  const group = machine.groups.get(groupId);
  if (group === undefined) return;
  const time = {
    nowMs: machine.at.clock.now(),
    retentionMs: machine.at.config().get('offsets.retention.minutes') * 60_000,
  };
  const { isAnyLeft } = forgetExpiredOffsets(machine.offsets, group, { time, outcome });
  if (isAnyLeft || group.state !== 'Empty') return;
  if (group.kind === 'consumer') {
    machine.bury(group, outcome);
    return;
  }
  if (group.pendingMembers.size > 0) return;
  if (group.isForgettable && outcome.records.length === 0) machine.maybeForget(group);
  else machine.bury(group, outcome);
}

/** A topic of that name may be made again: it must not begin with the offsets of this one. */
export function forgetTopics(
  machine: GroupMachine,
  groupId: string,
  { topics, outcome }: { topics: readonly Pick<TopicImage, 'name' | 'id'>[]; outcome: Outcome },
): void {
  forgetOffsetsIf(machine.offsets, groupId, {
    condition: (topic, value) =>
      topics.some(({ name, id }) => isOfTopic(topic, value, { name, id, noId: ZERO_UUID })),
    outcome,
  });
}

/** What was deleted while nobody coordinated the group: its id leads nowhere. */
export function forgetLostTopics(machine: GroupMachine, groupId: string, outcome: Outcome): void {
  const image = machine.at.image();
  forgetOffsetsIf(machine.offsets, groupId, {
    condition: (_, { topicId }) => topicId !== ZERO_UUID && image.topicById(topicId) === undefined,
    outcome,
  });
}
