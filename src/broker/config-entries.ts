// The configuration of each kind of resource as clients see it.

import {
  type BrokerKey,
  brokerConfigDefinitions,
  type ConfigEntry,
  ConfigSource,
  effectiveClientMetricsConfig,
  effectiveGroupConfig,
  effectiveTopicConfig,
} from '../config/index.ts';
import { ResourceType } from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { brokerLoggerEntries } from './broker-loggers.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { RequestContext } from './handler.ts';

export function topicConfigEntries(
  overrides: ReadonlyMap<string, string>,
  broker: BrokerParts,
): ConfigEntry[] {
  return [...effectiveTopicConfig(broker.config, overrides).entries()];
}

/**
 * Every key of a resource.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, INVALID_REQUEST
 */
export function configEntriesOf(
  type: number,
  name: string,
  context: RequestContext,
): ConfigEntry[] {
  const { broker, image } = context;
  const overrides = image.configOf(type, name);
  switch (type) {
    case ResourceType.TOPIC:
      // Kafka says no more than the code here.
      if (image.topic(name) === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', '');
      return topicConfigEntries(overrides, broker);
    case ResourceType.BROKER:
      return name === ''
        ? clusterWideEntries(overrides, broker)
        : brokerEntries(overrides, name, broker);
    case ResourceType.BROKER_LOGGER:
      assertSelf(name, broker);
      return brokerLoggerEntries(broker.io.log);
    case ResourceType.CLIENT_METRICS:
      return [...effectiveClientMetricsConfig(broker.config, overrides).entries()];
    case ResourceType.GROUP:
      return [...effectiveGroupConfig(broker.config, overrides).entries()];
    default:
      throw new KafkaError('INVALID_REQUEST', `no resource has type ${type}`);
  }
}

function brokerEntries(
  overrides: ReadonlyMap<string, string>,
  name: string,
  broker: BrokerParts,
): ConfigEntry[] {
  assertSelf(name, broker);
  const unknown = [...overrides.keys()].filter((key) => !(key in brokerConfigDefinitions));
  return [
    ...[...broker.config.entries()].map(withoutDefaultOfRate),
    ...unknown
      .filter((key) => !key.startsWith('listener.name.'))
      .map((key) => unknownEntry(key, ConfigSource.DYNAMIC_BROKER_CONFIG)),
  ];
}

/** In Kafka these three have a value only while somebody has set one. */
const movingRates: ReadonlySet<string> = new Set([
  'leader.replication.throttled.rate',
  'follower.replication.throttled.rate',
  'replica.alter.log.dirs.io.max.bytes.per.second',
]);

function withoutDefaultOfRate(entry: ConfigEntry): ConfigEntry {
  if (!movingRates.has(entry.name)) return entry;
  const synonyms = entry.synonyms.filter(({ source }) => source !== ConfigSource.DEFAULT_CONFIG);
  return { ...entry, synonyms };
}

/** A key that is stored for a plugin that nobody knows: its value may be a secret. */
function unknownEntry(name: string, configSource: ConfigSource): ConfigEntry {
  const synonyms = [{ name, value: null, source: configSource }];
  const shown = { readOnly: false, isSensitive: true, configType: 0, documentation: '' };
  return { name, value: null, configSource, synonyms, ...shown };
}

/** What was changed for all brokers at once; the rest belongs to each broker. */
function clusterWideEntries(
  overrides: ReadonlyMap<string, string>,
  broker: BrokerParts,
): ConfigEntry[] {
  return [...overrides.keys()].map((key) => {
    if (!(key in brokerConfigDefinitions)) {
      return unknownEntry(key, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
    }
    const entry = broker.config.describe(key as BrokerKey);
    const configSource = ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG;
    const synonyms = entry.synonyms.filter(({ source }) => source === configSource);
    const value = entry.isSensitive ? null : (overrides.get(key) ?? null);
    return { ...entry, value, configSource, synonyms };
  });
}

function assertSelf(name: string, broker: BrokerParts): void {
  if (name === String(broker.nodeId)) return;
  const message = `this broker is ${broker.nodeId}: ask broker ${name} for its own configuration`;
  throw new KafkaError('INVALID_REQUEST', message);
}
