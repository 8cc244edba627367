// Configurations of groups and of subscriptions to client metrics.

import type { BrokerConfig } from './broker-config.ts';
import { clientMetricsConfigDefinitions } from './client-metrics-definitions.ts';
import { ConfigSource } from './config-entry.ts';
import { groupConfigDefinitions } from './group-definitions.ts';
import { ScopedConfig } from './scoped-config.ts';
import { validateConfigs } from './scoped-validation.ts';

export type GroupConfig = ScopedConfig<typeof groupConfigDefinitions>;
export type ClientMetricsConfig = ScopedConfig<typeof clientMetricsConfigDefinitions>;

/** Throws KafkaError INVALID_CONFIG for an unknown key or a value it cannot take. */
export function validateGroupConfigs(configs: ReadonlyMap<string, string | null>): void {
  validateConfigs('group', groupConfigDefinitions, configs);
}

/** Throws KafkaError INVALID_CONFIG for an unknown key or a value it cannot take. */
export function validateClientMetricsConfigs(configs: ReadonlyMap<string, string | null>): void {
  validateConfigs('client metrics', clientMetricsConfigDefinitions, configs);
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
