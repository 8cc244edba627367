// The configuration of a broker that runs: what its file says, under the changes that were made on
// the cluster.
//
// Invariant: `current` is the one in force. Changes were judged when they were made, under the file
// of that time; what another file makes contradictory is left out, as Kafka does it, so that the
// operator has a broker to mend it by.

import { type BrokerConfig, ConfigError } from '../config/index.ts';
import type { Io, Log } from '../io/index.ts';
import { type ImageChanges, type MetadataImage, ResourceType } from '../metadata/index.ts';

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

  #under(all: ReadonlyMap<string, string>, own: ReadonlyMap<string, string>): BrokerConfig {
    if (all.size + own.size === 0) return this.#base;
    try {
      return this.#base.withDynamic(all, own);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#log.error(`changes made on the running cluster are left out: ${error.message}`);
      return this.#base;
    }
  }
}
