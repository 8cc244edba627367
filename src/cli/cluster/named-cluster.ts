// The cluster that a configuration names: its store, or a broker on its own.

import { storeOptionsOf } from '../../broker/index.ts';
import { type BrokerConfig, loadBrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import type { StoreOptions } from '../../metadata/index.ts';
import { parsePairs, UsageError } from '../command-line.ts';

export interface ConfigFlags {
  readonly config: string;
  readonly override?: readonly string[];
}

/** @throws UsageError, ConfigError */
export function configOf(io: Io, { config: path, override }: ConfigFlags): BrokerConfig {
  const text = io.disk.readFile(path);
  if (text === null) throw new UsageError(`there is no file ${path}`);
  return loadBrokerConfig({
    file: { path, text: text.toString('utf8') },
    overrides: parsePairs(override, '--override'),
  }).config;
}

/** @throws UsageError when the configuration names no store */
export async function storeOf(io: Io, config: BrokerConfig): Promise<StoreOptions> {
  if (config.get('cluster.store') !== null) return await storeOptionsOf(io, config);
  throw new UsageError(
    'the configuration names no store: set cluster.store=etcd://… or zookeeper://…',
  );
}
