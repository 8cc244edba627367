// What the leader of a classic group does: assigns the partitions of all topics that any member
// wants, and remembers the partition counts, so that it calls for a rebalance when they change.

import { KafkaError } from '../../../protocol/index.ts';
import type { Client } from '../../client.ts';
import {
  type Assignor,
  decodeSubscription,
  encodeAssignment,
  type GroupMember,
  type GroupTopic,
} from '../assignors/index.ts';

export interface JoinedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Buffer;
}

/** Partition counts by topic; 0 for a topic that does not exist. */
export type TopicSnapshot = ReadonlyMap<string, number>;

export interface LeaderPlan {
  readonly snapshot: TopicSnapshot;
  readonly assignments: { memberId: string; assignment: Buffer }[];
}

/** `isSkipped`: the coordinator has an assignment already (KIP-814). */
export async function planAsLeader(
  client: Client,
  assignor: Assignor,
  joined: readonly JoinedMember[],
  isSkipped: boolean,
): Promise<LeaderPlan> {
  const members = joined.map(({ memberId, groupInstanceId, metadata }): GroupMember => {
    return { ...decodeSubscription(metadata), memberId, groupInstanceId };
  });
  const names = [...new Set(members.flatMap((member) => member.topics))];
  let isMissing = false;
  for (const name of names) {
    client.wantTopic(name);
    if (client.cache.topic(name) === undefined) isMissing = true;
  }
  if (isMissing) await client.refresh();
  const snapshot = snapshotOf(client, names);
  if (isSkipped) return { snapshot, assignments: [] };
  const topics = new Map<string, GroupTopic>();
  for (const [name, partitionCount] of snapshot) {
    if (partitionCount > 0) topics.set(name, { partitionCount, racks: racksOf(client, name) });
  }
  const assignment = assignor.assign(members, topics);
  const assignments = members.map(({ memberId }) => {
    return { memberId, assignment: encodeAssignment(assignment.get(memberId) ?? []) };
  });
  return { snapshot, assignments };
}

export function snapshotOf(client: Client, names: Iterable<string>): TopicSnapshot {
  return new Map([...names].map((name) => [name, client.topic(name)?.partitions.length ?? 0]));
}

export function hasChanged(client: Client, snapshot: TopicSnapshot): boolean {
  const now = snapshotOf(client, snapshot.keys());
  return [...snapshot].some(([name, count]) => now.get(name) !== count);
}

export function assignorNamed(assignors: readonly Assignor[], name: string | null): Assignor {
  const found = assignors.find((each) => each.name === name);
  if (found !== undefined) return found;
  const message = `the coordinator chose the assignor ${name}, which was not offered`;
  throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', message);
}

function racksOf(client: Client, name: string): string[][] | undefined {
  const { nodes } = client.cache;
  if (![...nodes.values()].some(({ rack }) => rack !== null)) return undefined;
  return client.topic(name)?.partitions.map(({ replicas }) => {
    const racks = replicas.map((nodeId) => nodes.get(nodeId)?.rack ?? null);
    return racks.filter((rack) => rack !== null);
  });
}
