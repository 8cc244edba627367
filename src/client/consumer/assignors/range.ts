// Each topic for itself: its partitions in order, cut into one range per subscribed member, the
// first ones a partition longer. Topics with equally many partitions are cut alike, so that joins
// by key find both sides in one member. Where members and replicas have racks, a member first
// gets partitions that lie in its own (KIP-881), co-partitioned topics together.

import type { TopicPartition } from '../../leader-requests.ts';
import {
  type Assignment,
  type Assignor,
  comparePlaces,
  emptyAssignment,
  type GroupMember,
  type GroupTopic,
  type GroupTopics,
  sortedMembers,
} from './assignor.ts';

export class RangeAssignor implements Assignor {
  readonly name = 'range';
  readonly isCooperative = false;

  userData(): null {
    return null;
  }

  onAssignment(): void {}

  assign(members: readonly GroupMember[], topics: GroupTopics): Assignment {
    const assignment = emptyAssignment(members);
    const sorted = sortedMembers(members);
    const plans: TopicPlan[] = [];
    for (const [name, topic] of topics) {
      const subscribed = sorted.filter((member) => member.topics.includes(name));
      if (subscribed.length > 0) plans.push(new TopicPlan(name, topic, subscribed));
    }
    const isRackAware = plans.some((plan) => plan.isRackAware);
    if (isRackAware) {
      for (const group of coPartitioned(plans)) assignByRacks(group, assignment);
    }
    for (const plan of plans) plan.assignRanges(assignment, () => true);
    if (isRackAware) for (const places of assignment.values()) places.sort(comparePlaces);
    return assignment;
  }
}

/** What is left to assign of one topic, and how much more each member may get. */
class TopicPlan {
  readonly topic: string;
  readonly partitionCount: number;
  readonly members: readonly string[];
  readonly isRackAware: boolean;
  readonly #rackOf: ReadonlyMap<string, string | null>;
  readonly #racks: readonly (readonly string[])[];
  readonly #unassigned: Set<number>;
  readonly #counts: Map<string, number>;
  readonly #perMember: number;
  /** Members that may still get one more than the others. */
  #longRanges: number;

  constructor(topic: string, { partitionCount, racks = [] }: GroupTopic, members: GroupMember[]) {
    this.topic = topic;
    this.partitionCount = partitionCount;
    this.members = members.map(({ memberId }) => memberId);
    this.#rackOf = new Map(members.map(({ memberId, rackId }) => [memberId, rackId]));
    this.#racks = racks;
    this.#unassigned = new Set(Array.from({ length: partitionCount }, (_, i) => i));
    this.#counts = new Map(this.members.map((memberId) => [memberId, 0]));
    this.#perMember = Math.floor(partitionCount / members.length);
    this.#longRanges = partitionCount % members.length;
    const all = new Set(racks.flat());
    const isShared = members.some(({ rackId }) => rackId !== null && all.has(rackId));
    // Replicas in every rack: any choice is as good, and plain ranges move less.
    this.isRackAware = isShared && racks.some((some) => new Set(some).size !== all.size);
  }

  isNear(memberId: string, partition: number): boolean {
    if (!this.isRackAware) return true;
    const rack = this.#rackOf.get(memberId) ?? null;
    return rack !== null && (this.#racks[partition]?.includes(rack) ?? false);
  }

  roomOf(memberId: string): number {
    const extra = this.#longRanges > 0 ? 1 : 0;
    return Math.max(0, this.#perMember + extra - (this.#counts.get(memberId) ?? 0));
  }

  assignRanges(
    assignment: Assignment,
    mayAssign: (memberId: string, partition: number) => boolean,
  ): void {
    for (const memberId of this.members) {
      const room = this.roomOf(memberId);
      const range = [...this.#unassigned].filter((each) => mayAssign(memberId, each));
      this.give(assignment, memberId, range.slice(0, room));
    }
  }

  give(assignment: Assignment, memberId: string, partitions: readonly number[]): void {
    if (partitions.length === 0) return;
    const assigned = assignment.get(memberId) as TopicPartition[];
    for (const partition of partitions) {
      assigned.push({ topic: this.topic, partition });
      this.#unassigned.delete(partition);
    }
    const count = (this.#counts.get(memberId) ?? 0) + partitions.length;
    this.#counts.set(memberId, count);
    if (count > this.#perMember) this.#longRanges--;
  }
}

/** Groups of topics with the same members and partition counts. */
function coPartitioned(plans: readonly TopicPlan[]): TopicPlan[][] {
  const groups = new Map<string, TopicPlan[]>();
  for (const plan of plans) {
    const key = JSON.stringify([plan.partitionCount, plan.members]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [plan]);
    else group.push(plan);
  }
  return [...groups.values()];
}

function assignByRacks(plans: readonly TopicPlan[], assignment: Assignment): void {
  const [first] = plans as [TopicPlan];
  if (plans.length === 1) {
    const isNear = (memberId: string, each: number): boolean => first.isNear(memberId, each);
    if (first.isRackAware) first.assignRanges(assignment, isNear);
    return;
  }
  const open = new Set(first.members);
  for (let partition = 0; partition < first.partitionCount && open.size > 0; partition++) {
    const isFit = (memberId: string): boolean =>
      plans.every((plan) => plan.isNear(memberId, partition) && plan.roomOf(memberId) > 0);
    const memberId = [...open].find(isFit);
    if (memberId === undefined) continue;
    for (const plan of plans) plan.give(assignment, memberId, [partition]);
    if (plans.every((plan) => plan.roomOf(memberId) === 0)) open.delete(memberId);
  }
}
