// How fast a reassignment may be: limits of brokers while it lasts, removed when it is verified.

import type { Admin, ConfigAlteration, ConfigResourceAlteration } from '../../client/index.ts';

export const moveRate = 'replica.alter.log.dirs.io.max.bytes.per.second';
export const replicationRates = [
  'leader.replication.throttled.rate',
  'follower.replication.throttled.rate',
];
const topicThrottles = [
  'leader.replication.throttled.replicas',
  'follower.replication.throttled.replicas',
];

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
  const replicas = removed(topicThrottles);
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
