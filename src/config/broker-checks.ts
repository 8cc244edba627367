// What must hold between the keys of a broker. Each check names the key to change.

import type { BrokerKey, BrokerValue } from './broker-definitions.ts';
import { ConfigError } from './config-error.ts';
import { formatListener, type Listener } from './listeners.ts';

/** A configuration, as far as it is parsed before it is checked. */
export interface ParsedBrokerConfig {
  readonly nodeId: number;
  readonly listeners: readonly Listener[];
  readonly advertisedListeners: readonly Listener[];
  readonly interBrokerListenerName: string;
  readonly connectionsPerIpOverrides: ReadonlyMap<string, number>;
  get<K extends BrokerKey>(key: K): BrokerValue<K>;
  isSet(key: string): boolean;
  /** As it may be shown: null where the value is a secret. */
  describe(key: BrokerKey): { readonly value: string | null };
}

/** Protocols that listeners can be opened with. */
const served: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];
const MIB = 1024 * 1024;

export function checkBroker(config: ParsedBrokerConfig): void {
  checkIdentity(config);
  checkListeners(config);
  checkTimes(config);
  checkOrder(config);
}

function fail(config: ParsedBrokerConfig, key: BrokerKey, problem: string): never {
  const { value } = config.describe(key);
  throw new ConfigError(key, `Invalid value ${value} for configuration ${key}: ${problem}`);
}

function checkIdentity(config: ParsedBrokerConfig): void {
  const brokerId = config.get('broker.id');
  if (config.isSet('node.id') && brokerId >= 0 && brokerId !== config.nodeId) {
    fail(config, 'broker.id', `node.id is ${config.nodeId}: they are one number, leave broker.id`);
  }
}

function checkListeners(config: ParsedBrokerConfig): void {
  const { listeners, advertisedListeners } = config;
  if (listeners.length === 0) {
    const why = 'controller.listener.names takes every listener, and clients need one';
    fail(config, 'listeners', `${why}: add PLAINTEXT://:9092`);
  }
  for (const listener of listeners) {
    if (served.includes(listener.protocol)) continue;
    const what = `${formatListener(listener)} needs ${listener.protocol}`;
    fail(config, 'listeners', `${what}, which is not served yet: use ${served.join(', ')}`);
  }
  const names = listeners.map((listener) => listener.name);
  for (const { name } of advertisedListeners) {
    if (names.includes(name)) continue;
    fail(config, 'advertised.listeners', `${name} is not among listeners: ${names.join(', ')}`);
  }
  if (!config.isSet('inter.broker.listener.name')) return;
  if (config.isSet('security.inter.broker.protocol')) {
    const key = 'inter.broker.listener.name';
    fail(config, key, 'security.inter.broker.protocol is set too: keep one of them');
  }
  if (!names.includes(config.interBrokerListenerName)) {
    fail(config, 'inter.broker.listener.name', `it is not among listeners: ${names.join(', ')}`);
  }
}

function checkTimes(config: ParsedBrokerConfig): void {
  const retention = config.get('log.retention.ms');
  if (retention === 0 || retention < -1) {
    const units = ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'] as const;
    const key = units.find((unit) => config.isSet(unit)) ?? 'log.retention.ms';
    fail(config, key, 'expected at least 1, or -1 for no limit');
  }
  if (config.get('log.roll.ms') < 1) fail(config, 'log.roll.ms', 'expected at least 1');
  if (config.get('log.roll.jitter.ms') < 0) {
    fail(config, 'log.roll.jitter.ms', 'expected at least 0');
  }
  if (config.get('max.connections.per.ip') === 0 && config.connectionsPerIpOverrides.size === 0) {
    const key = 'max.connections.per.ip';
    fail(config, key, 'nobody could connect: set max.connections.per.ip.overrides too');
  }
  const threads = config.get('log.cleaner.threads');
  if (threads > 0 && config.get('log.cleaner.dedupe.buffer.size') < threads * (MIB + 1)) {
    const key = 'log.cleaner.dedupe.buffer.size';
    fail(config, key, 'expected more than 1 MiB for each of log.cleaner.threads');
  }
  const delay = config.get('connection.failed.authentication.delay.ms');
  const idle = config.get('connections.max.idle.ms');
  if (idle > 0 && delay >= idle) {
    const key = 'connection.failed.authentication.delay.ms';
    fail(config, key, `expected less than connections.max.idle.ms, which is ${idle}`);
  }
}

/** Pairs of which the first must not be larger than the second. */
const ordered: readonly (readonly [smaller: BrokerKey, larger: BrokerKey])[] = [
  ['log.cleaner.min.compaction.lag.ms', 'log.cleaner.max.compaction.lag.ms'],
  ['replica.fetch.wait.max.ms', 'replica.socket.timeout.ms'],
  ['replica.fetch.wait.max.ms', 'replica.lag.time.max.ms'],
  ['group.min.session.timeout.ms', 'group.max.session.timeout.ms'],
  ...(['consumer', 'share', 'streams'] as const).flatMap((kind) => [
    [`group.${kind}.min.session.timeout.ms`, `group.${kind}.session.timeout.ms`] as const,
    [`group.${kind}.session.timeout.ms`, `group.${kind}.max.session.timeout.ms`] as const,
    [`group.${kind}.min.heartbeat.interval.ms`, `group.${kind}.heartbeat.interval.ms`] as const,
    [`group.${kind}.heartbeat.interval.ms`, `group.${kind}.max.heartbeat.interval.ms`] as const,
  ]),
  ['group.share.min.record.lock.duration.ms', 'group.share.record.lock.duration.ms'],
  ['group.share.record.lock.duration.ms', 'group.share.max.record.lock.duration.ms'],
  ['group.share.delivery.count.limit', 'group.share.max.delivery.count.limit'],
];

function checkOrder(config: ParsedBrokerConfig): void {
  for (const [smaller, larger] of ordered) {
    const limit = config.get(larger) as number;
    if ((config.get(smaller) as number) <= limit) continue;
    const key = config.isSet(smaller) ? smaller : larger;
    if (key === smaller) fail(config, key, `expected at most ${larger}, which is ${limit}`);
    fail(config, key, `expected at least ${smaller}, which is ${config.get(smaller)}`);
  }
}
