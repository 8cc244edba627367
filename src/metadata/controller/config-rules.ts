// What the controller must know of configuration to decide: a few values of its own and whether
// overrides are valid.

import {
  type BrokerConfig,
  brokerConfigDefinitions,
  ConfigError,
  clientMetricsConfigDefinitions,
  type Definition,
  groupConfigDefinitions,
  isSecretOfBroker,
  sealBytes,
  sealed,
  topicConfigDefinitions,
  validateClientMetricsConfigs,
  validateDynamicBrokerConfigs,
  validateGroupConfigs,
  validateTopicConfigs,
} from '../../config/index.ts';
import type { Random } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { ResourceType } from '../image.ts';

type Overrides = ReadonlyMap<string, string>;

export interface ConfigRules {
  /** num.partitions and default.replication.factor. */
  readonly partitionsDefault: number;
  readonly replicationFactorDefault: number;
  readonly deleteTopicEnable: boolean;
  /** Where neither the topic nor the cluster says otherwise. */
  readonly minInSyncReplicas: number;
  readonly isUncleanElectionEnabled: boolean;
  /** Time between two looks for better leaders; null: auto.leader.rebalance.enable is false. */
  readonly rebalanceMs: number | null;
  readonly uncleanElectionMs: number;
  readonly tokens: TokenRules;
  /** A listener asks for users whose existence is told to nobody. */
  readonly needsSecret: boolean;
  /**
   * Judges all overrides that the resource would have; `before` are those it has now, so that
   * what may not be changed can be told from what may not be there.
   *
   * @throws KafkaError INVALID_CONFIG, or INVALID_REQUEST for what only a restart changes
   */
  validate(resource: ConfiguredResource, overrides: Overrides, before: Overrides): void;
  /**
   * Judges the configuration that a broker would have under what all brokers and what it alone is
   * told.
   *
   * @throws KafkaError INVALID_REQUEST
   */
  validateBroker(clusterWide: Overrides, perBroker: Overrides): void;
  /** A value of a broker as it is stored: a password is encrypted where a secret is configured. */
  stored(resourceType: number, key: string, value: string, random: Random): string;
  /** Whether APPEND and SUBTRACT make sense for the key. */
  isList(resourceType: number, name: string): boolean;
  /** What APPEND and SUBTRACT start from when there is no override. */
  listDefault(resourceType: number, name: string): readonly string[];
}

export interface ConfiguredResource {
  readonly type: number;
  readonly name: string;
}

/** Of delegation tokens. */
export interface TokenRules {
  /** null: there are none. */
  readonly secretKey: string | null;
  readonly lifetimeMsMax: number;
  /** From one renewal to the next. */
  readonly expiryMs: number;
  readonly expiryCheckMs: number;
}

/** The rules under a broker's own configuration. */
export function configRules(config: BrokerConfig): ConfigRules {
  return {
    partitionsDefault: config.get('num.partitions'),
    replicationFactorDefault: config.get('default.replication.factor'),
    deleteTopicEnable: config.get('delete.topic.enable'),
    minInSyncReplicas: config.get('min.insync.replicas'),
    isUncleanElectionEnabled: config.get('unclean.leader.election.enable'),
    rebalanceMs: config.get('auto.leader.rebalance.enable')
      ? config.get('leader.imbalance.check.interval.seconds') * 1000
      : null,
    uncleanElectionMs: config.get('unclean.leader.election.interval.ms'),
    tokens: {
      secretKey: config.get('delegation.token.secret.key') || null,
      lifetimeMsMax: config.get('delegation.token.max.lifetime.ms'),
      expiryMs: config.get('delegation.token.expiry.time.ms'),
      expiryCheckMs: config.get('delegation.token.expiry.check.interval.ms'),
    },
    needsSecret: hasScram(config),
    validate: (resource, overrides, before) => validate(config, resource, { overrides, before }),
    validateBroker: (clusterWide, perBroker) => {
      asInvalidRequest(() => config.withDynamic(clusterWide, perBroker));
    },
    stored: (type, key, value, random) => {
      const secret = config.get('password.encoder.secret');
      if (type !== ResourceType.BROKER || secret === null) return value;
      return isSecretOfBroker(key, value) ? sealed(value, secret, random.bytes(sealBytes)) : value;
    },
    isList: (type, name) => definitionOf(type, name)?.type === 'list',
    listDefault: (type, name) => {
      const value = definitionOf(type, name)?.default;
      return Array.isArray(value) ? value : [];
    },
  };
}

function hasScram(config: BrokerConfig): boolean {
  const key = 'sasl.enabled.mechanisms';
  return config.listeners.some(({ name, protocol }) => {
    const isAsked = protocol.startsWith('SASL');
    return isAsked && config.getForListener(name, key).some((each) => each.startsWith('SCRAM'));
  });
}

function validate(
  config: BrokerConfig,
  { type, name }: ConfiguredResource,
  { overrides, before }: { overrides: Overrides; before: Overrides },
): void {
  switch (type) {
    case ResourceType.TOPIC:
      validateTopicConfigs(overrides, config);
      break;
    case ResourceType.BROKER:
      asInvalidRequest(() => {
        validateDynamicBrokerConfigs(changed(overrides, before), { perBroker: name !== '' });
      });
      break;
    case ResourceType.GROUP:
      validateGroupConfigs(overrides, config);
      break;
    case ResourceType.CLIENT_METRICS:
      validateClientMetricsConfigs(overrides);
      break;
  }
}

/** Kafka finds fault with the request, not with the config, when a broker is what is configured. */
function asInvalidRequest(check: () => unknown): void {
  try {
    check();
  } catch (error) {
    const isInvalid =
      error instanceof ConfigError ||
      (error instanceof KafkaError && error.errorName === 'INVALID_CONFIG');
    throw isInvalid ? new KafkaError('INVALID_REQUEST', error.message) : error;
  }
}

/** A broker keeps what it has: only what is set anew is judged. */
function changed(overrides: Overrides, before: Overrides): Overrides {
  return new Map([...overrides].filter(([key, value]) => before.get(key) !== value));
}

function definitionOf(type: number, name: string): Definition | undefined {
  const table = definitionsOf(type);
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function definitionsOf(type: number): Readonly<Record<string, Definition>> {
  switch (type) {
    case ResourceType.TOPIC:
      return topicConfigDefinitions;
    case ResourceType.BROKER:
      return brokerConfigDefinitions;
    case ResourceType.GROUP:
      return groupConfigDefinitions;
    case ResourceType.CLIENT_METRICS:
      return clientMetricsConfigDefinitions;
    default:
      return {};
  }
}
