// Every key of a broker, put together from the tables by theme, with the type of each value.

import { brokerAccess } from './broker-access.ts';
import { brokerGroups } from './broker-groups.ts';
import { brokerLog } from './broker-log.ts';
import { brokerMetrics, brokerQuotas } from './broker-metrics.ts';
import { brokerNetwork } from './broker-network.ts';
import { brokerNode, brokerZooKeeper } from './broker-node.ts';
import { brokerReplication } from './broker-replication.ts';
import { brokerSasl } from './broker-sasl.ts';
import { brokerShareGroups } from './broker-share-groups.ts';
import { brokerStreamsGroups } from './broker-streams-groups.ts';
import { brokerTieredStorage } from './broker-tiered-storage.ts';
import { brokerTls } from './broker-tls.ts';
import { brokerTransactions } from './broker-transactions.ts';
import type { Definition, ValueOf } from './definition.ts';

/** The tables with the titles they have in the documentation, in its order. */
export const brokerConfigThemes = [
  ['Node and metadata', brokerNode],
  ['Access to a ZooKeeper', brokerZooKeeper],
  ['Network', brokerNetwork],
  ['Log', brokerLog],
  ['Replication', brokerReplication],
  ['Consumer groups', brokerGroups],
  ['Transactions', brokerTransactions],
  ['Share groups', brokerShareGroups],
  ['Streams groups', brokerStreamsGroups],
  ['TLS and tokens', brokerTls],
  ['Access', brokerAccess],
  ['SASL', brokerSasl],
  ['Quotas', brokerQuotas],
  ['Metrics', brokerMetrics],
  ['Tiered storage', brokerTieredStorage],
] as const;

export const brokerConfigDefinitions = {
  ...brokerNode,
  ...brokerZooKeeper,
  ...brokerNetwork,
  ...brokerLog,
  ...brokerReplication,
  ...brokerGroups,
  ...brokerTransactions,
  ...brokerShareGroups,
  ...brokerStreamsGroups,
  ...brokerTls,
  ...brokerAccess,
  ...brokerSasl,
  ...brokerQuotas,
  ...brokerMetrics,
  ...brokerTieredStorage,
};

export type BrokerKey = keyof typeof brokerConfigDefinitions;
export type BrokerValue<K extends BrokerKey> = ValueOf<(typeof brokerConfigDefinitions)[K]>;

const byName: ReadonlyMap<string, Definition> = new Map(Object.entries(brokerConfigDefinitions));

/** The definition of a key; undefined for a key that no table holds. */
export function brokerDefinition(key: string): Definition | undefined {
  return byName.get(key);
}

const listenerKey =
  /^listener\.name\.[^.]+\.(?:(?:plain|gssapi|oauthbearer|scram-sha-\d+)\.)?(.+)$/;

/** The definition behind `listener.name.<listener>.[<mechanism>.]<key>`. */
export function listenerKeyDefinition(key: string): Definition | undefined {
  const base = listenerKey.exec(key)?.[1];
  return base === undefined ? undefined : byName.get(base);
}

/** Keys that belong to plugins, and are theirs to understand. */
export function isPluginKey(key: string): boolean {
  return /^(config\.providers|rsm\.config|rlmm\.config|listener\.name)\./.test(key);
}

const units: readonly (readonly BrokerKey[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
];

/** The keys that say the same in other units, most binding first; the key itself among them. */
export function brokerKeySynonyms(key: BrokerKey): readonly BrokerKey[] {
  if (key === 'log.flush.interval.ms') return [key, 'log.flush.scheduler.interval.ms'];
  return units.find((group) => group.includes(key)) ?? [key];
}
