// Configurations of groups and of subscriptions to client metrics, and what of them may be stored.
//
// Invariant: what is stored for a group lay within the bounds of the broker at that time; what
// its bounds have left outside since is brought back into them where it is used.

import { KafkaError } from '../protocol/index.ts';
import { BrokerConfig } from './broker-config.ts';
import { type BrokerKey, brokerConfigDefinitions } from './broker-definitions.ts';
import { clientMetricsConfigDefinitions } from './client-metrics-definitions.ts';
import { ConfigSource } from './config-entry.ts';
import { groupConfigDefinitions } from './group-definitions.ts';
import { ScopedConfig } from './scoped-config.ts';
import { validateConfigs } from './scoped-validation.ts';

export type GroupConfig = ScopedConfig<typeof groupConfigDefinitions>;
export type ClientMetricsConfig = ScopedConfig<typeof clientMetricsConfigDefinitions>;
type GroupKey = keyof typeof groupConfigDefinitions;

/** Keys that the broker bounds, in the order in which Kafka judges them. */
const bounded: readonly GroupKey[] = [
  'consumer.heartbeat.interval.ms',
  'consumer.session.timeout.ms',
  'consumer.assignment.interval.ms',
  'share.heartbeat.interval.ms',
  'share.session.timeout.ms',
  'share.record.lock.duration.ms',
  'share.delivery.count.limit',
  'share.partition.max.record.locks',
  'share.assignment.interval.ms',
  'streams.heartbeat.interval.ms',
  'streams.session.timeout.ms',
  'streams.num.standby.replicas',
  'streams.num.warmup.replicas',
  'streams.assignment.interval.ms',
  'streams.task.offset.interval.ms',
];

/**
 * Throws KafkaError INVALID_CONFIG for an unknown key, a value it cannot take, one beyond the
 * broker's bounds, or a session that ends before the next heartbeat.
 */
export function validateGroupConfigs(
  configs: ReadonlyMap<string, string | null>,
  broker: BrokerConfig = new BrokerConfig(),
): void {
  const overrides = validateConfigs('group', groupConfigDefinitions, configs);
  const config = effectiveGroupConfig(broker, overrides);
  for (const key of bounded) if (overrides.has(key)) assertBounds(key, config, broker);
  for (const kind of ['consumer', 'share', 'streams'] as const) {
    const session = `${kind}.session.timeout.ms` as const;
    const heartbeat = `${kind}.heartbeat.interval.ms` as const;
    if (!overrides.has(session) && !overrides.has(heartbeat)) continue;
    if (config.get(session) > config.get(heartbeat)) continue;
    throw new KafkaError('INVALID_CONFIG', `${session} must be greater than ${heartbeat}`);
  }
}

function assertBounds(key: GroupKey, config: GroupConfig, broker: BrokerConfig): void {
  const value = config.get(key) as number;
  const least = boundKey(key, 'min');
  if (least !== null && value < (broker.get(least) as number)) {
    throw new KafkaError('INVALID_CONFIG', `${key} must be greater than or equal to ${least}`);
  }
  const most = boundKey(key, 'max');
  if (most !== null && value > (broker.get(most) as number)) {
    throw new KafkaError('INVALID_CONFIG', `${key} must be less than or equal to ${most}`);
  }
}

/** The broker's key for a bound, if there is one: group.consumer.min.session.timeout.ms. */
function boundKey(key: string, bound: 'min' | 'max'): BrokerKey | null {
  const [kind, ...rest] = key.split('.');
  // The copies of streams groups are bounded under a name without "num".
  const words = rest[0] === 'num' ? rest.slice(1) : rest;
  const name = ['group', kind, bound, ...words].join('.');
  return Object.hasOwn(brokerConfigDefinitions, name) ? (name as BrokerKey) : null;
}

const intervalMs = { min: 100, max: 3_600_000 };

/** What a client can be matched by (KIP-714). */
const matchedBy: readonly string[] = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
];

/**
 * Throws KafkaError INVALID_REQUEST for an unknown key or an interval beyond its bounds, and
 * INVALID_CONFIG for a value it cannot take or a pattern that matches nothing known.
 */
export function validateClientMetricsConfigs(configs: ReadonlyMap<string, string | null>): void {
  for (const name of configs.keys()) {
    if (Object.hasOwn(clientMetricsConfigDefinitions, name)) continue;
    throw new KafkaError('INVALID_REQUEST', `Unknown client metrics configuration: ${name}`);
  }
  const overrides = validateConfigs('client metrics', clientMetricsConfigDefinitions, configs);
  const config = effectiveClientMetricsConfig(new BrokerConfig(), overrides);
  const value = config.get('interval.ms');
  if (value < intervalMs.min || value > intervalMs.max) {
    const bounds = `between ${intervalMs.min} and ${intervalMs.max} (1 hour)`;
    const why = `Invalid value ${value} for interval.ms, interval must be ${bounds}`;
    throw new KafkaError('INVALID_REQUEST', why);
  }
  for (const pattern of config.get('match')) {
    if (isMatchPattern(pattern)) continue;
    throw new KafkaError('INVALID_CONFIG', `Illegal client matching pattern: ${pattern}`);
  }
}

function isMatchPattern(text: string): boolean {
  const at = text.indexOf('=');
  if (at < 0 || !matchedBy.includes(text.slice(0, at).trim())) return false;
  const pattern = text.slice(at + 1).trim();
  try {
    new RegExp(pattern, 'u');
    return !pattern.includes('=');
  } catch {
    return false;
  }
}

export function effectiveGroupConfig(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
): GroupConfig {
  const source = ConfigSource.DYNAMIC_GROUP_CONFIG;
  return new ScopedConfig(groupConfigDefinitions, source, broker, overrides);
}

export function effectiveClientMetricsConfig(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
): ClientMetricsConfig {
  const source = ConfigSource.DYNAMIC_CLIENT_METRICS_CONFIG;
  return new ScopedConfig(clientMetricsConfigDefinitions, source, broker, overrides);
}
