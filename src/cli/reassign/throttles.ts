// How fast a reassignment may be: limits of brokers while it lasts, removed when it is verified.

import type { Admin, ConfigAlteration, ConfigResourceAlteration } from '../../client/index.ts';
import { type PartitionPlan, sortedPlans } from './assignment.ts';

export const moveRate = 'replica.alter.log.dirs.io.max.bytes.per.second';
export const replicationRates = [
  'leader.replication.throttled.rate',
  'follower.replication.throttled.rate',
];
const leaderThrottle = 'leader.replication.throttled.replicas';
const followerThrottle = 'follower.replication.throttled.replicas';

export async function setBrokerRates(
  admin: Admin,
  nodeIds: readonly number[],
  rates: { readonly names: readonly string[]; readonly bytesPerSecond: number },
): Promise<void> {
  const value = `${rates.bytesPerSecond}`;
  const configs = rates.names.map((name) => ({ name, operation: 'set' as const, value }));
  await alter(
    admin,
    nodeIds.map((id) => ({ type: 'broker', name: `${id}`, configs })),
  );
}

/**
 * Says which replicas the limits of brokers are for: those that a partition is copied from, which
 * are all it has, and those that are new. Returns the brokers that have any of them.
 */
export async function setReplicaThrottles(
  admin: Admin,
  current: readonly PartitionPlan[],
  plans: readonly PartitionPlan[],
): Promise<number[]> {
  const limited = new Map<string, { leaders: string[]; followers: string[] }>();
  const brokers = new Set<number>();
  for (const { topic, partition, replicas } of sortedPlans(plans)) {
    const before = current.find((each) => each.topic === topic && each.partition === partition);
    const sources = before?.replicas ?? [];
    const added = replicas.filter((id) => !sources.includes(id));
    for (const id of [...sources, ...replicas]) brokers.add(id);
    if (added.length === 0) continue;
    const ofTopic = limited.get(topic) ?? { leaders: [], followers: [] };
    limited.set(topic, ofTopic);
    for (const id of sources) ofTopic.leaders.push(`${partition}:${id}`);
    for (const id of added) ofTopic.followers.push(`${partition}:${id}`);
  }
  const set = (name: string, replicas: readonly string[]) => {
    return { name, operation: 'set' as const, value: [...replicas].sort().join(',') };
  };
  await alter(
    admin,
    [...limited].map(([name, { leaders, followers }]) => {
      const configs = [set(leaderThrottle, leaders), set(followerThrottle, followers)];
      return { type: 'topic', name, configs };
    }),
  );
  return [...brokers].sort((a, b) => a - b);
}

/** Removes every limit; says so as Kafka's tool does. */
export async function clearThrottles(
  admin: Admin,
  nodeIds: readonly number[],
  topics: readonly string[],
): Promise<void> {
  const removed = (names: readonly string[]): ConfigAlteration[] =>
    names.map((name) => ({ name, operation: 'delete' as const }));
  const brokers = nodeIds.length === 1 ? 'broker' : 'brokers';
  process.stdout.write(`Clearing broker-level throttles on ${brokers} ${nodeIds.join(',')}\n`);
  const rates = removed([...replicationRates, moveRate]);
  await alter(
    admin,
    nodeIds.map((id) => ({ type: 'broker', name: `${id}`, configs: rates })),
  );
  const noun = topics.length === 1 ? 'topic' : 'topics';
  process.stdout.write(`Clearing topic-level throttles on ${noun} ${topics.join(',')}\n`);
  const replicas = removed([leaderThrottle, followerThrottle]);
  await alter(
    admin,
    topics.map((name) => ({ type: 'topic', name, configs: replicas })),
  );
}

async function alter(admin: Admin, resources: readonly ConfigResourceAlteration[]): Promise<void> {
  for (const { error } of await admin.incrementalAlterConfigs(resources)) {
    if (error !== null) throw error;
  }
}
