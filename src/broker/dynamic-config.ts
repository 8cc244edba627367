// The configuration of a broker that runs: what its file says, under the changes that were made on
// the cluster.
//
// Invariant: `current` is the one in force. Changes were judged when they were made, under the file
// of that time; what another file makes contradictory is left out, so that the operator has a
// broker to mend it by. Kafka leaves out all changes then. Here the others stay: a listener
// that demands certificates must not stop doing so for the sake of another key.

import { type BrokerConfig, ConfigError } from '../config/index.ts';
import type { Io, Log } from '../io/index.ts';
import { type ImageChanges, type MetadataImage, ResourceType } from '../metadata/index.ts';

type Changes = ReadonlyMap<string, string>;

export class DynamicConfig {
  readonly #log: Log;
  readonly #base: BrokerConfig;
  readonly #onChange: (config: BrokerConfig) => void;
  #current: BrokerConfig;

  constructor(io: Io, base: BrokerConfig, onChange: (config: BrokerConfig) => void) {
    this.#log = io.log.child('broker');
    this.#base = base;
    this.#onChange = onChange;
    this.#current = base;
  }

  get current(): BrokerConfig {
    return this.#current;
  }

  onImage(image: MetadataImage, { configsChanged }: Pick<ImageChanges, 'configsChanged'>): void {
    if (configsChanged.some(({ type }) => type === ResourceType.BROKER)) this.adopt(image);
  }

  /** Takes over what the image says for all brokers, and over it for this one. */
  adopt(image: MetadataImage): void {
    const all = image.configOf(ResourceType.BROKER, '');
    const own = image.configOf(ResourceType.BROKER, String(this.#base.nodeId));
    this.#current = this.#under(all, own);
    this.#onChange(this.#current);
  }

  #under(all: Changes, own: Changes): BrokerConfig {
    if (all.size + own.size === 0) return this.#base;
    const config = this.#ifValid(all, own);
    if (!(config instanceof ConfigError)) return config;
    this.#log.error(`what contradicts this broker's file is left out: ${config.message}`);
    return this.#fitting(all, own);
  }

  #ifValid(all: Changes, own: Changes): BrokerConfig | ConfigError {
    try {
      return this.#base.withDynamic(all, own);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
  }

  /** With as many of the changes as go together; some do only when others are made. */
  #fitting(all: Changes, own: Changes): BrokerConfig {
    let config = this.#base;
    const kept = { all: new Map<string, string>(), own: new Map<string, string>() };
    let open = [
      ...[...all].map((entry) => ({ scope: 'all' as const, entry })),
      ...[...own].map((entry) => ({ scope: 'own' as const, entry })),
    ];
    for (let before = Number.POSITIVE_INFINITY; open.length < before; ) {
      before = open.length;
      open = open.filter(({ scope, entry: [key, value] }) => {
        kept[scope].set(key, value);
        const next = this.#ifValid(kept.all, kept.own);
        if (next instanceof ConfigError) kept[scope].delete(key);
        else config = next;
        return next instanceof ConfigError;
      });
    }
    for (const { entry } of open) this.#log.error(`the change of ${entry[0]} is left out`);
    return config;
  }
}
