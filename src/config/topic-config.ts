// Topic configurations: what may be set, and what is in force for a topic on this broker.

import { KafkaError } from '../protocol/index.ts';
import { BrokerConfig } from './broker-config.ts';
import { ConfigSource } from './config-entry.ts';
import type { ValueOf } from './definition.ts';
import { ScopedConfig } from './scoped-config.ts';
import { validateConfigs } from './scoped-validation.ts';
import { topicConfigDefinitions } from './topic-definitions.ts';

export type TopicKey = keyof typeof topicConfigDefinitions;
export type TopicConfigValue<K extends TopicKey> = ValueOf<(typeof topicConfigDefinitions)[K]>;
export type TopicConfig = ScopedConfig<typeof topicConfigDefinitions>;

/**
 * Throws KafkaError INVALID_CONFIG for a key that no topic has, a value it cannot take, or values
 * that contradict each other or what the broker says for the keys that are not set.
 */
export function validateTopicConfigs(
  configs: ReadonlyMap<string, string | null>,
  broker: BrokerConfig = new BrokerConfig(),
): void {
  const overrides = validateConfigs('topic', topicConfigDefinitions, configs);
  const config = effectiveTopicConfig(broker, overrides);
  const least = config.get('min.compaction.lag.ms');
  const most = config.get('max.compaction.lag.ms');
  if (least > most) {
    const problem = `min.compaction.lag.ms (${least}) > max.compaction.lag.ms (${most})`;
    throw new KafkaError('INVALID_CONFIG', `Conflict of topic configs: ${problem}`);
  }
  if (config.get('remote.storage.enable')) {
    const why = 'tiered storage is not offered by this broker';
    throw new KafkaError('INVALID_CONFIG', `remote.storage.enable cannot be true: ${why}`);
  }
}

/** What is in force for a topic with these values of its own. */
export function effectiveTopicConfig(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
): TopicConfig {
  return new ScopedConfig(
    topicConfigDefinitions,
    ConfigSource.DYNAMIC_TOPIC_CONFIG,
    broker,
    overrides,
  );
}
