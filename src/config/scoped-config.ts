// The configuration of one topic, group or subscription: values of its own over those of the
// broker, over the defaults. It never changes.

import type { BrokerConfig } from './broker-config.ts';
import { type BrokerKey, brokerDefinition } from './broker-definitions.ts';
import {
  type ConfigEntry,
  ConfigSource,
  type ConfigSynonym,
  configTypeCodes,
} from './config-entry.ts';
import {
  type ConfigValue,
  type Definition,
  type Definitions,
  isSensitive,
  type ValueOf,
} from './definition.ts';
import { formatValue, parseValue } from './value.ts';

export class ScopedConfig<T extends Definitions> {
  readonly #definitions: T;
  readonly #ownSource: ConfigSource;
  readonly #broker: BrokerConfig;
  readonly #overrides: ReadonlyMap<string, string>;
  readonly #values = new Map<string, ConfigValue>();

  constructor(
    definitions: T,
    ownSource: ConfigSource,
    broker: BrokerConfig,
    overrides: ReadonlyMap<string, string>,
  ) {
    this.#definitions = definitions;
    this.#ownSource = ownSource;
    this.#broker = broker;
    this.#overrides = overrides;
  }

  /** The effective value; throws ConfigError if the own value is invalid. */
  get<K extends keyof T & string>(key: K): ValueOf<T[K]> {
    let value = this.#values.get(key);
    if (value === undefined) {
      value = this.#resolve(key);
      this.#values.set(key, value);
    }
    return value as ValueOf<T[K]>;
  }

  /** Whether the topic or group has a value of its own. */
  isSet(key: string): boolean {
    return this.#overrides.has(key);
  }

  /** Where the value of a key comes from. */
  source(key: keyof T & string): ConfigSource {
    return this.#synonyms(key)[0]?.source ?? ConfigSource.DEFAULT_CONFIG;
  }

  /** One key as DescribeConfigs shows it. */
  describe(name: keyof T & string): ConfigEntry {
    const definition = this.#definitions[name] as Definition;
    const synonyms = this.#synonyms(name);
    const value = this.get(name) as ConfigValue;
    const isSecret = isSensitive(definition, value);
    return {
      name,
      value: isSecret ? null : formatValue(definition, value),
      readOnly: false,
      configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
      isSensitive: isSecret,
      synonyms,
      configType: configTypeCodes[definition.type],
      documentation: definition.doc,
    };
  }

  /** All keys as DescribeConfigs shows them, in the order of their names. */
  *entries(): Generator<ConfigEntry> {
    for (const name of Object.keys(this.#definitions).sort()) {
      if (!this.#definitions[name]?.internal || this.isSet(name)) yield this.describe(name);
    }
  }

  #synonyms(name: string): readonly ConfigSynonym[] {
    const definition = this.#definitions[name];
    const keys = (definition?.fallbacks ?? []).map((fallback) => fallback.key);
    const fromBroker = keys.length > 0 ? this.#broker.synonymsOf(keys) : this.#ownDefault(name);
    const own = this.#overrides.get(name);
    if (own === undefined) return fromBroker;
    const value = isSensitive(definition, own) ? null : own;
    return [{ name, value, source: this.#ownSource }, ...fromBroker];
  }

  /** Of what no broker key stands behind, Kafka tells the default for groups only. */
  #ownDefault(name: string): readonly ConfigSynonym[] {
    const definition = this.#definitions[name];
    if (this.#ownSource !== ConfigSource.DYNAMIC_GROUP_CONFIG || definition === undefined)
      return [];
    if (definition.default === null) return [];
    const value = formatValue(definition, definition.default);
    return [{ name, value, source: ConfigSource.DEFAULT_CONFIG }];
  }

  #resolve(key: string): ConfigValue {
    const definition = this.#definitions[key] as Definition;
    const own = this.#overrides.get(key);
    if (own !== undefined) return parseValue(key, definition, own);
    // The broker's first key already answers for those in other units.
    const first = definition.fallbacks?.[0]?.key;
    if (first === undefined || brokerDefinition(first) === undefined) return definition.default;
    return this.#broker.get(first as BrokerKey) as ConfigValue;
  }
}
