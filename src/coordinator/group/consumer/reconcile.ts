// How a member comes from what it has to what it shall have (KIP-848): first it lets go of what it
// shall not have, then it is given what nobody else has any more.
//
//   STABLE      has its target in the assignment epoch
//   UNREVOKED   was told to let partitions go; keeps its epoch until it has said that it did
//   UNRELEASED  is in the epoch, and waits for partitions that others still have
//
// Invariant: a partition is given to a member only when no member has it or is still to release it.

import type { Uuid } from '../../../base/uuid.ts';
import { KafkaError } from '../../../protocol/index.ts';
import type { TopicPartitions } from '../assignors/index.ts';
import { type ConsumerMember, MemberState } from './consumer-member.ts';
import {
  eachOwned,
  hasAnyOf,
  OwnedBuilder,
  type OwnedPartitions,
  ownsNothing,
  type TopicPartitionList,
} from './topic-partitions.ts';

export interface ReconcileOptions {
  readonly targetEpoch: number;
  readonly target: TopicPartitions;
  /** Topics the member subscribes to now: what it had of others it lets go at once. */
  readonly subscribedTopicIds: ReadonlySet<Uuid>;
  readonly hasSubscriptionChanged: boolean;
  readonly ownerOf: (topicId: Uuid, partition: number) => string | undefined;
  /** What the member says that it has; null when it did not say. */
  readonly owned: readonly TopicPartitionList[] | null;
}

/**
 * The member after this step; the same value if there is none to take.
 * @throws KafkaError FENCED_MEMBER_EPOCH
 */
export function reconcile(member: ConsumerMember, options: ReconcileOptions): ConsumerMember {
  const { targetEpoch, hasSubscriptionChanged, owned } = options;
  switch (member.state) {
    case MemberState.STABLE:
      if (member.memberEpoch !== targetEpoch) return next(member, options);
      return hasSubscriptionChanged ? dropUnsubscribed(member, options) : member;
    case MemberState.UNREVOKED:
      if (owned === null || hasAnyOf(owned, member.pendingRevocation)) {
        return hasSubscriptionChanged ? dropUnsubscribed(member, options) : member;
      }
      return next(member, options);
    case MemberState.UNRELEASED:
      return next(member, options);
    default:
      // A later version left it in a state that we do not know: it starts from nothing.
      if (owned === null || owned.length > 0) throw new KafkaError('FENCED_MEMBER_EPOCH');
      return next(member, options);
  }
}

function next(member: ConsumerMember, options: ReconcileOptions): ConsumerMember {
  const { targetEpoch, target, subscribedTopicIds, ownerOf, owned } = options;
  const assigned = new OwnedBuilder();
  const revoked = new OwnedBuilder();
  for (const [topicId, partition, epoch] of eachOwned(member.assigned)) {
    const isWanted = subscribedTopicIds.has(topicId) && target.get(topicId)?.has(partition);
    (isWanted ? assigned : revoked).add(topicId, partition, epoch);
  }
  const pendingRevocation = revoked.build();
  if (pendingRevocation.size > 0 && mayStillOwn(owned, pendingRevocation)) {
    return {
      ...withEpoch(member, member.memberEpoch),
      state: MemberState.UNREVOKED,
      assigned: assigned.build(),
      pendingRevocation,
    };
  }
  let isWaiting = false;
  for (const [topicId, partitions] of target) {
    if (!subscribedTopicIds.has(topicId)) continue;
    for (const partition of partitions) {
      if (member.assigned.get(topicId)?.has(partition) === true) continue;
      if (ownerOf(topicId, partition) !== undefined) isWaiting = true;
      else assigned.add(topicId, partition, targetEpoch);
    }
  }
  return {
    ...withEpoch(member, targetEpoch),
    state: isWaiting ? MemberState.UNRELEASED : MemberState.STABLE,
    assigned: assigned.build(),
    pendingRevocation: ownsNothing,
  };
}

/** A new target takes its time; what the member does not want any more it is rid of at once. */
function dropUnsubscribed(member: ConsumerMember, options: ReconcileOptions): ConsumerMember {
  const { subscribedTopicIds, owned } = options;
  const assigned = new OwnedBuilder();
  const revoked = new OwnedBuilder();
  revoked.addAll(member.pendingRevocation);
  let hasDropped = false;
  for (const [topicId, partition, epoch] of eachOwned(member.assigned)) {
    const isWanted = subscribedTopicIds.has(topicId);
    if (!isWanted) hasDropped = true;
    (isWanted ? assigned : revoked).add(topicId, partition, epoch);
  }
  if (!hasDropped) return member;
  const pendingRevocation = revoked.build();
  const updated = withEpoch(member, member.memberEpoch);
  return mayStillOwn(owned, pendingRevocation)
    ? { ...updated, state: MemberState.UNREVOKED, assigned: assigned.build(), pendingRevocation }
    : { ...updated, assigned: assigned.build() };
}

function mayStillOwn(
  owned: readonly TopicPartitionList[] | null,
  partitions: OwnedPartitions,
): boolean {
  return owned === null || hasAnyOf(owned, partitions);
}

function withEpoch(member: ConsumerMember, memberEpoch: number): ConsumerMember {
  return { ...member, previousMemberEpoch: member.memberEpoch, memberEpoch };
}
