// The plan of both sticky assignors: every member keeps what it owns as far as the balance
// permits. Claims are believed by generation: of two members that say they own a partition the
// one of the newer generation is right; if both are of the same, neither is.
//
// Invariant: every partition of a subscribed topic has exactly one owner in the plan, and where
// all members subscribe to the same topics, no member has two partitions more than another.

import { keyOf, type TopicPartition } from '../../leader-requests.ts';
import {
  type Assignment,
  allPlaces,
  compareText,
  emptyAssignment,
  type GroupMember,
  type GroupTopics,
} from './assignor.ts';
import { balance } from './sticky-balance.ts';

/** What a member owned, as its assignor tells. */
export interface Claim {
  readonly owned: readonly TopicPartition[];
  readonly generation: number;
}

export interface StickyPlan {
  readonly assignment: Assignment;
  /** Partitions that more than one member of one generation claims. */
  readonly contested: ReadonlySet<string>;
}

export function planSticky(
  members: readonly GroupMember[],
  topics: GroupTopics,
  claimOf: (member: GroupMember) => Claim,
): StickyPlan {
  const { kept, contested } = settleClaims(members, topics, claimOf);
  const assignment = isSameSubscription(members, topics)
    ? planEqual(members, topics, kept)
    : balance(members, topics, kept);
  return { assignment, contested };
}

function settleClaims(
  members: readonly GroupMember[],
  topics: GroupTopics,
  claimOf: (member: GroupMember) => Claim,
): { kept: Assignment; contested: Set<string> } {
  const owners = new Map<string, { place: TopicPartition; memberId: string; generation: number }>();
  const contested = new Set<string>();
  for (const member of members) {
    const subscribed = new Set(member.topics);
    const { owned, generation } = claimOf(member);
    for (const place of owned) {
      const count = topics.get(place.topic)?.partitionCount ?? 0;
      if (!subscribed.has(place.topic) || place.partition >= count) continue;
      const key = keyOf(place);
      const rival = owners.get(key);
      if (rival !== undefined && rival.memberId !== member.memberId) {
        if (rival.generation > generation) continue;
        if (rival.generation === generation) contested.add(key);
        else contested.delete(key);
      }
      owners.set(key, { place, memberId: member.memberId, generation });
    }
  }
  const kept = emptyAssignment(members);
  for (const [key, { place, memberId }] of owners) {
    if (!contested.has(key)) kept.get(memberId)?.push(place);
  }
  return { kept, contested };
}

function isSameSubscription(members: readonly GroupMember[], topics: GroupTopics): boolean {
  const existing = ({ topics: names }: GroupMember): Set<string> =>
    new Set(names.filter((name) => topics.has(name)));
  const first = members[0] === undefined ? new Set<string>() : existing(members[0]);
  return members.every((member) => {
    const names = existing(member);
    return names.size === first.size && [...names].every((name) => first.has(name));
  });
}

/**
 * All members may have everything: each gets the floor of the average, some one more. Members
 * that own more than their share give up the rest, and those below it are filled in turn.
 */
function planEqual(
  members: readonly GroupMember[],
  topics: GroupTopics,
  kept: Assignment,
): Assignment {
  const subscribed = new Set(members.flatMap((member) => member.topics));
  const places = allPlaces(topics).filter(({ topic }) => subscribed.has(topic));
  const assignment = emptyAssignment(members);
  const floor = Math.floor(places.length / Math.max(1, members.length));
  let longer = places.length % Math.max(1, members.length);
  const taken = new Set<string>();
  for (const [memberId, owned] of kept) {
    let share = floor;
    if (owned.length > floor && longer > 0) {
      share = floor + 1;
      longer--;
    }
    const stays = owned.slice(0, share);
    for (const place of stays) taken.add(keyOf(place));
    assignment.set(memberId, stays);
  }
  const open = places.filter((place) => !taken.has(keyOf(place)));
  let next = 0;
  // Those below the floor come first, then as many as may have one more.
  for (const share of [floor, floor + 1]) {
    let filling = [...assignment].filter(([, assigned]) => assigned.length < share);
    filling.sort(([a], [b]) => compareText(a, b));
    while (filling.length > 0 && next < open.length) {
      for (const [, assigned] of filling) {
        const place = open[next];
        if (place === undefined) break;
        assigned.push(place);
        next++;
      }
      filling = filling.filter(([, assigned]) => assigned.length < share);
    }
  }
  return assignment;
}
