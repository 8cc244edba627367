// One step of a member, and of its group with it, in one decision: the subscription is taken down,
// the group's epoch moved on if anything changed, the target computed for the new epoch, and the
// member brought a step closer to it.

import type { GroupContext, Outcome } from '../decision.ts';
import { type ConsumerGroup, isReconciledTo, type TopicRights } from './consumer-group.ts';
import { type ConsumerMember, isSameMetadata, isSameNames } from './consumer-member.ts';
import { currentAssignmentRecord, groupEpochRecord, memberRecord } from './consumer-records.ts';
import { reconcile } from './reconcile.ts';
import { resolveRegexes } from './regexes.ts';
import { membersWith, metadataHash, subscribedTopics, topicIdsOf } from './subscriptions.ts';
import { maybeUpdateTarget, preferredAssignor } from './target-assignment.ts';
import { isSameOwned, type TopicPartitionList } from './topic-partitions.ts';

export interface Advance {
  readonly member: ConsumerMember;
  /** The same member as it wants to be. */
  readonly wanted: ConsumerMember;
  readonly owned: readonly TopicPartitionList[] | null;
  /** undefined: a request of the classic protocol, which knows no expressions. */
  readonly rights?: TopicRights | null;
  readonly outcome: Outcome;
}

/** Brings group and member a step further; timers are left alone. */
export function advance(
  at: GroupContext,
  group: ConsumerGroup,
  { member, wanted, owned, rights, outcome }: Advance,
): ConsumerMember {
  const { groupId } = group;
  const isNew = !group.members.has(member.memberId);
  if (isNew || !isSameMetadata(member, wanted)) outcome.append(memberRecord(groupId, wanted));
  const members = membersWith(group, wanted);
  const heard = { memberId: wanted.memberId, rights };
  const resolved = resolveRegexes(at, group, { members, heard });
  outcome.appendAll(resolved.records);
  const { regexes } = resolved;
  const hasSubscriptionChanged =
    isNew ||
    resolved.records.length > 0 ||
    !isSameNames(member.topicNames, wanted.topicNames) ||
    member.topicRegex !== wanted.topicRegex;
  const hasAssignorChanged =
    preferredAssignor(at.config(), group.members.values()).name !==
    preferredAssignor(at.config(), members).name;
  const image = at.image();
  let { groupEpoch } = group;
  const isStale = hasSubscriptionChanged || group.seenTopics !== image.topicsByName;
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
    return wanted;
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
  return updated;
}

export function isSameStep(one: ConsumerMember, other: ConsumerMember): boolean {
  return (
    one.memberEpoch === other.memberEpoch &&
    one.previousMemberEpoch === other.previousMemberEpoch &&
    one.state === other.state &&
    isSameOwned(one.assigned, other.assigned) &&
    isSameOwned(one.pendingRevocation, other.pendingRevocation)
  );
}
