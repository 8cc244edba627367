// The sticky plan where members subscribe to different topics: perfect balance may be impossible.
//
// Invariant of the result: nobody could take over a partition and still have fewer than its owner
// had. Every move makes the sum of the squared loads smaller, so that moving comes to an end.

import { keyOf, type TopicPartition } from '../../leader-requests.ts';
import {
  type Assignment,
  allPlaces,
  comparePlaces,
  compareText,
  emptyAssignment,
  type GroupMember,
  type GroupTopics,
} from './assignor.ts';

interface Place extends TopicPartition {
  /** Members that may have it. */
  readonly eligible: readonly string[];
  owner: string | null;
  readonly isKept: boolean;
}

export function balance(
  members: readonly GroupMember[],
  topics: GroupTopics,
  kept: Assignment,
): Assignment {
  const ownerOf = new Map<string, string>();
  const loads = new Map<string, number>();
  for (const [memberId, places] of kept) {
    loads.set(memberId, places.length);
    for (const place of places) ownerOf.set(keyOf(place), memberId);
  }
  const eligibleOf = membersByTopic(members);
  const places: Place[] = [];
  for (const place of allPlaces(topics)) {
    const eligible = eligibleOf.get(place.topic) ?? [];
    if (eligible.length === 0) continue;
    const owner = ownerOf.get(keyOf(place)) ?? null;
    places.push({ ...place, eligible, owner, isKept: owner !== null });
  }
  // Who has little choice goes first; what was owned before moves last.
  places.sort(
    (a, b) =>
      Number(a.isKept) - Number(b.isKept) ||
      a.eligible.length - b.eligible.length ||
      comparePlaces(a, b),
  );
  for (const place of places) if (place.owner === null) move(place, loads);
  for (let isMoving = true; isMoving; ) {
    isMoving = false;
    for (const place of places) if (isWorthMoving(place, loads)) isMoving = move(place, loads);
  }
  const assignment = emptyAssignment(members);
  places.sort(comparePlaces);
  for (const { topic, partition, owner } of places) {
    assignment.get(owner as string)?.push({ topic, partition });
  }
  return assignment;
}

function membersByTopic(members: readonly GroupMember[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { memberId, topics } of members) {
    for (const topic of new Set(topics)) {
      const list = found.get(topic);
      if (list === undefined) found.set(topic, [memberId]);
      else list.push(memberId);
    }
  }
  for (const list of found.values()) list.sort(compareText);
  return found;
}

function leastLoaded({ eligible }: Place, loads: ReadonlyMap<string, number>): string {
  let best = eligible[0] as string;
  for (const each of eligible) {
    if ((loads.get(each) as number) < (loads.get(best) as number)) best = each;
  }
  return best;
}

function isWorthMoving(place: Place, loads: ReadonlyMap<string, number>): boolean {
  const target = leastLoaded(place, loads);
  return (loads.get(target) as number) + 1 < (loads.get(place.owner as string) as number);
}

function move(place: Place, loads: Map<string, number>): true {
  const target = leastLoaded(place, loads);
  if (place.owner !== null) loads.set(place.owner, (loads.get(place.owner) as number) - 1);
  loads.set(target, (loads.get(target) as number) + 1);
  place.owner = target;
  return true;
}
