// The configuration of one broker: defaults, under what file, environment and command line say,
// under what was changed on the running cluster (for all brokers, then for this one). A
// BrokerConfig never changes; `withDynamic` makes the next one.
//
// Invariant: every value that is set was parsed, and the cross-checks held, before the constructor
// returned: `get` cannot fail.

import { checkBroker, type ParsedBrokerConfig } from './broker-checks.ts';
import {
  type BrokerKey,
  type BrokerValue,
  brokerConfigDefinitions,
  brokerDefinition,
  brokerKeySynonyms,
  listenerKeyDefinition,
} from './broker-definitions.ts';
import {
  type ConfigEntry,
  ConfigSource,
  type ConfigSynonym,
  configTypeCodes,
} from './config-entry.ts';
import { type ConfigValue, type Definition, isSensitive } from './definition.ts';
import {
  type Listener,
  parseConnectionLimits,
  parseListeners,
  parseProtocolMap,
} from './listeners.ts';
import { isSealed, opened } from './sealed-values.ts';
import { formatValue, parseValue } from './value.ts';

/** Which of the static sources a value was read from. */
export type StaticOrigin = 'file' | 'environment' | 'override';

export interface BrokerConfigSources {
  /** What this process takes where nothing is said, in place of Kafka's own defaults. */
  readonly defaults?: ReadonlyMap<string, string>;
  readonly static?: ReadonlyMap<string, { readonly text: string; readonly origin: StaticOrigin }>;
  readonly clusterWide?: ReadonlyMap<string, string>;
  readonly perBroker?: ReadonlyMap<string, string>;
  readonly clusterId?: string | null;
  readonly systemProperties?: ReadonlyMap<string, string>;
}

const none: ReadonlyMap<string, never> = new Map<string, never>();

export class BrokerConfig implements ParsedBrokerConfig {
  /** Listeners to open: those that only Kafka's controllers use are left out. */
  readonly listeners: readonly Listener[];
  /** Addresses to tell clients; empty: the address each client reached us at. */
  readonly advertisedListeners: readonly Listener[];
  /** Name of the listener that brokers use among themselves. */
  readonly interBrokerListenerName: string;
  readonly connectionsPerIpOverrides: ReadonlyMap<string, number>;
  /** What the environment's CLUSTER_ID asks a new cluster to be called; null: not said. */
  readonly clusterId: string | null;
  /** What KAFKA_OPTS hands to Java: `-Dname=value`. */
  readonly systemProperties: ReadonlyMap<string, string>;
  readonly #sources: Required<BrokerConfigSources>;
  readonly #values = new Map<string, ConfigValue>();

  /** Throws ConfigError for the first value that is invalid. */
  constructor(sources: BrokerConfigSources = {}) {
    this.clusterId = sources.clusterId ?? null;
    this.systemProperties = sources.systemProperties ?? none;
    this.#sources = {
      defaults: sources.defaults ?? none,
      static: sources.static ?? none,
      clusterWide: sources.clusterWide ?? none,
      perBroker: sources.perBroker ?? none,
      clusterId: this.clusterId,
      systemProperties: this.systemProperties,
    };
    this.#parseAll();
    const protocolOf = parseProtocolMap(this.get('listener.security.protocol.map'));
    const names = this.get('controller.listener.names').map((name) => name.toUpperCase());
    const skipped: ReadonlySet<string> = new Set(names);
    const rules = { protocolOf, skipped };
    this.listeners = parseListeners(this.get('listeners'), { ...rules, key: 'listeners' });
    this.advertisedListeners = parseListeners(this.get('advertised.listeners') ?? [], {
      ...rules,
      key: 'advertised.listeners',
    });
    const interBroker = this.get('inter.broker.listener.name');
    this.interBrokerListenerName = (
      interBroker ?? this.get('security.inter.broker.protocol')
    ).toUpperCase();
    this.connectionsPerIpOverrides = parseConnectionLimits(
      this.get('max.connections.per.ip.overrides'),
    );
    checkBroker(this);
  }

  /** The value of a key: what is set, or what a key in another unit says, or the default. */
  get<K extends BrokerKey>(key: K): BrokerValue<K> {
    let value = this.#values.get(key);
    if (value === undefined) {
      value = this.#resolve(key);
      this.#values.set(key, value);
    }
    return value as BrokerValue<K>;
  }

  /** The value of a key for one listener: `listener.name.<listener>.<key>`, or the key's own. */
  getForListener<K extends BrokerKey>(listener: string, key: K): BrokerValue<K> {
    const name = `listener.name.${listener.toLowerCase()}.${key}`;
    const text = this.#text(name)?.text;
    if (text === undefined) return this.get(key);
    return parseValue(name, brokerConfigDefinitions[key] as Definition, text) as BrokerValue<K>;
  }

  /** The same for one mechanism of SASL: `listener.name.<listener>.<mechanism>.<key>` first. */
  getForMechanism<K extends BrokerKey>(
    listener: string,
    mechanism: string,
    key: K,
  ): BrokerValue<K> {
    const name = `listener.name.${listener.toLowerCase()}.${mechanism.toLowerCase()}.${key}`;
    const text = this.#text(name)?.text;
    if (text === undefined) return this.getForListener(listener, key);
    return parseValue(name, brokerConfigDefinitions[key] as Definition, text) as BrokerValue<K>;
  }

  get nodeId(): number {
    return this.get('node.id');
  }

  /** Folders that hold partitions: log.dirs, or log.dir. */
  get logDirs(): readonly string[] {
    return this.get('log.dirs');
  }

  /** Whether a file, the environment, the command line or a dynamic change names the key. */
  isSet(key: string): boolean {
    const layer = this.#text(key);
    return layer !== undefined && layer.source !== ConfigSource.DEFAULT_CONFIG;
  }

  /** Where the value of a key comes from. */
  source(key: BrokerKey): ConfigSource {
    return this.#synonyms(key)[0]?.source ?? ConfigSource.DEFAULT_CONFIG;
  }

  /** Which static source names the key; null when none does. */
  origin(key: string): StaticOrigin | null {
    return this.#sources.static.get(key)?.origin ?? null;
  }

  /** Every key set in a file, the environment or the command line, unknown ones too. */
  get staticKeys(): Iterable<string> {
    return this.#sources.static.keys();
  }

  /** All keys that starts with a prefix and are set, without the prefix: options of plugins. */
  withPrefix(prefix: string): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    const { static: fixed, clusterWide, perBroker } = this.#sources;
    for (const key of [...fixed.keys(), ...clusterWide.keys(), ...perBroker.keys()]) {
      const text = key.startsWith(prefix) ? this.#text(key)?.text : undefined;
      if (text !== undefined) found.set(key.slice(prefix.length), text);
    }
    return found;
  }

  /** One key as DescribeConfigs shows it. */
  describe(name: BrokerKey): ConfigEntry {
    const definition = brokerConfigDefinitions[name] as Definition;
    const synonyms = this.#synonyms(name);
    const value = (this.#textOf(name) === undefined ? definition.default : this.get(name)) ?? null;
    const isSecret = isSensitive(definition, value);
    return {
      name,
      value: isSecret ? null : formatValue(definition, value),
      readOnly: definition.update === 'read-only',
      configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
      isSensitive: isSecret,
      synonyms,
      configType: configTypeCodes[definition.type],
      documentation: definition.doc,
    };
  }

  /** All keys as DescribeConfigs shows them, in the order of their names. */
  *entries(): Generator<ConfigEntry> {
    for (const name of Object.keys(brokerConfigDefinitions).sort() as BrokerKey[]) {
      if (!brokerDefinition(name)?.internal || this.isSet(name)) yield this.describe(name);
    }
  }

  /**
   * The texts that some keys have, layer by layer: this broker's, all brokers', the static ones,
   * the defaults. DescribeConfigs calls them synonyms.
   */
  synonymsOf(keys: readonly string[]): readonly ConfigSynonym[] {
    const found: ConfigSynonym[] = [];
    const add = (source: ConfigSource, textOf: (key: string) => string | undefined): void => {
      for (const name of keys) {
        const text = textOf(name);
        if (text === undefined) continue;
        const value = isSensitive(brokerDefinition(name), text) ? null : text;
        found.push({ name, value, source });
      }
    };
    const { static: fixed, clusterWide, perBroker } = this.#sources;
    add(ConfigSource.DYNAMIC_BROKER_CONFIG, (key) => perBroker.get(key));
    add(ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG, (key) => clusterWide.get(key));
    add(ConfigSource.STATIC_BROKER_CONFIG, (key) => fixed.get(key)?.text);
    add(ConfigSource.DEFAULT_CONFIG, (key) => this.#defaultText(key));
    // As Kafka: what only a key in another unit says does not count as set for this one.
    const first = found.findIndex((synonym) => synonym.name === keys[0]);
    return first === -1 ? [] : found.slice(first);
  }

  /**
   * This configuration under dynamic changes, which replace earlier ones as a whole. Throws
   * ConfigError for an invalid value; `validateDynamicBrokerConfigs` says so beforehand.
   */
  withDynamic(
    clusterWide: ReadonlyMap<string, string>,
    perBroker: ReadonlyMap<string, string>,
  ): BrokerConfig {
    return new BrokerConfig({
      ...this.#sources,
      clusterWide: this.#opened(clusterWide),
      perBroker: this.#opened(perBroker),
    });
  }

  /** Passwords are stored encrypted where a secret is configured. */
  #opened(stored: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    if (![...stored.values()].some(isSealed)) return stored;
    const [now, before] = [
      this.get('password.encoder.secret'),
      this.get('password.encoder.old.secret'),
    ];
    const secrets = [now, before].filter((each) => each !== null);
    return new Map([...stored].map(([key, value]) => [key, opened(key, value, secrets)]));
  }

  #synonyms(key: BrokerKey): readonly ConfigSynonym[] {
    const all = brokerKeySynonyms(key);
    return this.synonymsOf([key, ...all.filter((other) => other !== key)]);
  }

  #parseAll(): void {
    const { static: fixed, clusterWide, perBroker } = this.#sources;
    for (const layer of [fixed.keys(), clusterWide.keys(), perBroker.keys()]) {
      for (const key of layer) {
        const definition = brokerDefinition(key) ?? listenerKeyDefinition(key);
        const text = this.#text(key)?.text;
        if (definition !== undefined && text !== undefined) parseValue(key, definition, text);
      }
    }
  }

  #text(key: string): { text: string; source: ConfigSource } | undefined {
    const { static: fixed, clusterWide, perBroker, defaults } = this.#sources;
    const layers = [
      [perBroker.get(key), ConfigSource.DYNAMIC_BROKER_CONFIG],
      [clusterWide.get(key), ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG],
      [fixed.get(key)?.text, ConfigSource.STATIC_BROKER_CONFIG],
      [defaults.get(key), ConfigSource.DEFAULT_CONFIG],
    ] as const;
    for (const [text, source] of layers) {
      if (text !== undefined) return { text, source };
    }
    return undefined;
  }

  #textOf(key: string): string | undefined {
    return this.#text(key)?.text;
  }

  #defaultText(key: string): string | undefined {
    const definition = brokerDefinition(key);
    const embedded = this.#sources.defaults.get(key);
    if (embedded !== undefined || definition === undefined) return embedded;
    return formatValue(definition, definition.default) ?? undefined;
  }

  #resolve(key: string): ConfigValue {
    const definition = brokerDefinition(key) as Definition;
    const text = this.#textOf(key);
    if (text !== undefined) return parseValue(key, definition, text);
    for (const fallback of definition.fallbacks ?? []) {
      const other = this.#textOf(fallback.key);
      if (other === undefined) continue;
      const otherDefinition = brokerDefinition(fallback.key) as Definition;
      const value = scaled(parseValue(fallback.key, otherDefinition, other), fallback.factor);
      // broker.id=-1 says that it is not set.
      if (typeof value !== 'number' || value >= (definition.min ?? -Infinity)) return value;
    }
    if (definition.default !== null) return definition.default;
    for (const fallback of definition.fallbacks ?? []) {
      const other = brokerDefinition(fallback.key)?.default ?? null;
      if (other !== null) return scaled(other, fallback.factor);
    }
    return null;
  }
}

/** A value in the unit of the key that asks; below zero it means "no limit" in every unit. */
function scaled(value: ConfigValue, factor: number): ConfigValue {
  if (typeof value !== 'number' || factor === 1) return value;
  return value < 0 ? -1 : value * factor;
}
