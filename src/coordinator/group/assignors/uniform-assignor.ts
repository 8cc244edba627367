// uniform: all partitions of all topics together, as evenly as the subscriptions allow, moving as
// few as that takes; where racks are known, what is free goes to a member in a rack of it.
//
// With equal subscriptions every member has its share, or one more. With different ones no member
// has two more than another one that could take a partition from it.

import type { Uuid } from '../../../base/uuid.ts';
import { AssignmentDraft } from './assignment-draft.ts';
import type {
  Assignment,
  Assignor,
  AssignorInput,
  AssignorMember,
  AssignorTopic,
} from './assignor.ts';

export const uniformAssignor: Assignor = { name: 'uniform', assign };

function assign(input: AssignorInput): Assignment {
  const members = [...input.members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const wanted = new Set<Uuid>();
  for (const topicIds of new Set(members.map((one) => one.topicIds))) {
    for (const id of topicIds) wanted.add(id);
  }
  const topics = input.topics.filter(({ id }) => wanted.has(id));
  const sorted = { members, topics };
  return isHomogeneous(members) ? assignAlike(sorted) : assignUnlike(sorted);
}

function isHomogeneous(members: readonly AssignorMember[]): boolean {
  const first = members[0]?.topicIds ?? new Set<Uuid>();
  return members.every(({ topicIds }) => {
    if (topicIds === first) return true;
    if (topicIds.size !== first.size) return false;
    for (const id of topicIds) if (!first.has(id)) return false;
    return true;
  });
}

/** Everybody may have anything: a quota each, kept from what one had, filled from what is free. */
function assignAlike({ members, topics }: AssignorInput): Assignment {
  const draft = new AssignmentDraft(members);
  if (members.length === 0) return draft.build();
  const total = topics.reduce((sum, { partitionCount }) => sum + partitionCount, 0);
  const least = Math.floor(total / members.length);
  let extra = total % members.length;
  const countOf = new Map(topics.map(({ id, partitionCount }) => [id, partitionCount]));
  const quotas = new Map<string, number>();
  for (const member of members) {
    const kept = keep(draft, member, { countOf, most: least + (extra > 0 ? 1 : 0) });
    if (kept > least) extra -= 1;
    quotas.set(member.memberId, Math.max(least, kept));
  }
  for (const { memberId } of members) {
    if (extra === 0) break;
    if (quotas.get(memberId) !== least) continue;
    quotas.set(memberId, least + 1);
    extra -= 1;
  }
  const room = (memberId: string): boolean =>
    draft.countOf(memberId) < (quotas.get(memberId) as number);
  fillNear(draft, { members, topics, room });
  fill(draft, { members, topics, room });
  return draft.build();
}

/** The former partitions of the member that still exist, up to `most`; how many those are. */
function keep(
  draft: AssignmentDraft,
  { memberId, topicIds, partitions }: AssignorMember,
  { countOf, most }: { countOf: ReadonlyMap<Uuid, number>; most: number },
): number {
  let kept = 0;
  for (const [topicId, own] of partitions) {
    if (!topicIds.has(topicId)) continue;
    for (const partition of own) {
      if (kept >= most) return kept;
      const isThere = partition < (countOf.get(topicId) ?? 0);
      // Two members cannot both have had it; a log written by others might say so.
      if (!isThere || draft.ownerOf(topicId, partition) !== undefined) continue;
      draft.give(memberId, topicId, partition);
      kept += 1;
    }
  }
  return kept;
}

interface Filling extends AssignorInput {
  readonly room: (memberId: string) => boolean;
}

function* freePartitions(draft: AssignmentDraft, topics: readonly AssignorTopic[]) {
  for (const topic of topics) {
    for (let partition = 0; partition < topic.partitionCount; partition++) {
      if (draft.ownerOf(topic.id, partition) === undefined) yield { topic, partition };
    }
  }
}

function fillNear(draft: AssignmentDraft, { members, topics, room }: Filling): void {
  const inRack = new Map<string, AssignorMember[]>();
  for (const member of members) {
    if (member.rackId === null) continue;
    const neighbours = inRack.get(member.rackId);
    if (neighbours === undefined) inRack.set(member.rackId, [member]);
    else neighbours.push(member);
  }
  if (inRack.size === 0) return;
  for (const { topic, partition } of freePartitions(draft, topics)) {
    for (const rack of topic.racks?.[partition] ?? []) {
      const near = inRack.get(rack)?.find(({ memberId }) => room(memberId));
      if (near === undefined) continue;
      draft.give(near.memberId, topic.id, partition);
      break;
    }
  }
}

/** The members in turn until each is full. */
function fill(draft: AssignmentDraft, { members, topics, room }: Filling): void {
  let index = 0;
  for (const { topic, partition } of freePartitions(draft, topics)) {
    while (!room((members[index] as AssignorMember).memberId)) index += 1;
    draft.give((members[index] as AssignorMember).memberId, topic.id, partition);
  }
}

/** Subscriptions differ: keep all, give what is free to who has least, then even out. */
function assignUnlike({ members, topics }: AssignorInput): Assignment {
  const draft = new AssignmentDraft(members);
  const countOf = new Map(topics.map(({ id, partitionCount }) => [id, partitionCount]));
  for (const member of members) keep(draft, member, { countOf, most: Number.POSITIVE_INFINITY });
  const subscribersOf = new Map<Uuid, AssignorMember[]>(topics.map(({ id }) => [id, []]));
  for (const member of members) {
    for (const topicId of member.topicIds) subscribersOf.get(topicId)?.push(member);
  }
  // Topics with the least choice first: the others can work around them.
  const byChoice = [...topics].sort(
    (one, other) =>
      (subscribersOf.get(one.id)?.length ?? 0) - (subscribersOf.get(other.id)?.length ?? 0),
  );
  for (const { topic, partition } of freePartitions(draft, byChoice)) {
    const racks = topic.racks?.[partition];
    const least = leastLoaded(draft, subscribersOf.get(topic.id) ?? [], racks);
    if (least !== null) draft.give(least.memberId, topic.id, partition);
  }
  let hasMoved = true;
  // Ends: each move makes the sum of the squares of the counts smaller.
  while (hasMoved) {
    hasMoved = false;
    for (const topic of byChoice) {
      const subscribers = subscribersOf.get(topic.id) ?? [];
      if (evenOut(draft, topic, subscribers)) hasMoved = true;
    }
  }
  return draft.build();
}

function leastLoaded(
  draft: AssignmentDraft,
  subscribers: readonly AssignorMember[],
  racks?: ReadonlySet<string>,
): AssignorMember | null {
  const isNear = ({ rackId }: AssignorMember): boolean => rackId !== null && !!racks?.has(rackId);
  let best: AssignorMember | null = null;
  for (const member of subscribers) {
    const lead = best === null ? -1 : draft.countOf(member.memberId) - draft.countOf(best.memberId);
    if (best === null || lead < 0 || (lead === 0 && isNear(member) && !isNear(best))) best = member;
  }
  return best;
}

/** Moves partitions of the topic to members that have at least two fewer than their owners. */
function evenOut(
  draft: AssignmentDraft,
  topic: AssignorTopic,
  subscribers: readonly AssignorMember[],
): boolean {
  let hasMoved = false;
  for (let partition = 0; partition < topic.partitionCount; partition++) {
    const owner = draft.ownerOf(topic.id, partition);
    const least = leastLoaded(draft, subscribers);
    if (owner === undefined || least === null) continue;
    if (draft.countOf(owner) - draft.countOf(least.memberId) < 2) continue;
    draft.take(topic.id, partition);
    draft.give(least.memberId, topic.id, partition);
    hasMoved = true;
  }
  return hasMoved;
}
