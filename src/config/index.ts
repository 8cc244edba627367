// Configuration with Kafka's names and defaults. The one door of this folder.
//
//   definition.ts            what a key is, and the makers the tables are written with
//   broker-definitions.ts    joins the tables of broker keys by theme: broker-node.ts,
//                            broker-network.ts, broker-tls.ts, broker-sasl.ts, broker-access.ts,
//                            broker-log.ts, broker-tiered-storage.ts, broker-replication.ts,
//                            broker-groups.ts, broker-share-groups.ts, broker-streams-groups.ts,
//                            broker-transactions.ts, broker-metrics.ts; and broker-legacy.ts: keys
//                            that Kafka has dropped, with what became of them
//   reasons.ts, shapes.ts    why a key has no effect here; what values look like beyond their type
//   topic-definitions.ts     the keys of topics; group-definitions.ts: of groups;
//                            client-metrics-definitions.ts: of subscriptions to clients' metrics
//   value.ts                 text to typed value and back; refusal.ts: why a text is no value
//   config-error.ts          the one-line error
//   properties.ts            Java's .properties format, read and written
//   listeners.ts             NAME://host:port lists and the protocol map
//   broker-config.ts         a broker's values in layers; broker-checks.ts: what holds between them
//   load-broker-config.ts    file, environment and overrides to a BrokerConfig, with warnings
//   references.ts            values that are written elsewhere: ${file:…}, ${env:…}
//   sealed-values.ts         passwords as the metadata have them
//   open-doors.ts            listeners at which nobody is asked who he is
//   scoped-config.ts         a topic's or group's values over the broker's: topic-config.ts,
//                            group-config.ts
//   scoped-validation.ts     what clients may store, as errors of the protocol
//   config-entry.ts          how values are shown by DescribeConfigs
//   document.ts              docs/configuration.md from the tables

export { environmentConfigs, systemProperties } from '../base/kafka-variables.ts';
export { BrokerConfig, type BrokerConfigSources, type StaticOrigin } from './broker-config.ts';
export { type BrokerKey, type BrokerValue, brokerConfigDefinitions } from './broker-definitions.ts';
export { rackAwareSelector } from './broker-replication.ts';
export { clientMetricsConfigDefinitions } from './client-metrics-definitions.ts';
export { type ConfigEntry, ConfigSource, type ConfigSynonym } from './config-entry.ts';
export { ConfigError } from './config-error.ts';
export type { ConfigType, ConfigValue, Definition, UpdateMode } from './definition.ts';
export { documentConfiguration } from './document.ts';

export {
  type ClientMetricsConfig,
  effectiveClientMetricsConfig,
  effectiveGroupConfig,
  type GroupConfig,
  validateClientMetricsConfigs,
  validateGroupConfigs,
} from './group-config.ts';
export { groupConfigDefinitions } from './group-definitions.ts';
export { formatListener, type Listener, type SecurityProtocol } from './listeners.ts';
export {
  type BrokerConfigInput,
  type LoadedBrokerConfig,
  loadBrokerConfig,
} from './load-broker-config.ts';
export { decodeProperties, formatProperties, parseProperties } from './properties.ts';
export { type ReferenceSources, resolveReferences } from './references.ts';
export { validateDynamicBrokerConfigs } from './scoped-validation.ts';
export { isSealed, isSecretOfBroker, sealBytes, sealed } from './sealed-values.ts';
export {
  effectiveTopicConfig,
  type TopicConfig,
  type TopicConfigValue,
  type TopicKey,
  validateTopicConfigs,
} from './topic-config.ts';
export { topicConfigDefinitions } from './topic-definitions.ts';
