// The cluster that a configuration names: its store, or a broker on its own.

import { storeOptionsOf } from '../../broker/index.ts';
import { type BrokerConfig, loadBrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import type { StoreOptions } from '../../metadata/index.ts';
import { parsePairs, UsageError } from '../command-line.ts';

import { readText, referenceSources } from '../read-text.ts';

export interface ConfigFlags {
  readonly config: string;
  readonly override?: readonly string[];
}

/**
 * What `partita start` would make of the file, with the same environment: KAFKA_OPTS may name who
 * this is to a ZooKeeper.
 * @throws UsageError, ConfigError
 */
export function configOf(
  io: Io,
  { config: path, override }: ConfigFlags,
  env: NodeJS.ProcessEnv = process.env,
): BrokerConfig {
  return loadBrokerConfig({
    file: { path, text: readText(io, path) },
    overrides: parsePairs(override, '--override'),
    env,
    references: { ...referenceSources(io), env },
  }).config;
}

/** @throws UsageError when the configuration names no store */
export async function storeOf(io: Io, config: BrokerConfig): Promise<StoreOptions> {
  if (config.get('cluster.store') !== null) return await storeOptionsOf(io, config);
  throw new UsageError(
    'the configuration names no store: set cluster.store=etcd://… or zookeeper://…',
  );
}
