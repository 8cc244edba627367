// The configuration of a broker with the changes that were made on the running cluster.

import { type BrokerConfig, ConfigError } from '../config/index.ts';
import type { Log } from '../io/index.ts';

export interface DynamicChanges {
  /** For all brokers. */
  readonly all: ReadonlyMap<string, string>;
  /** For this one; they win. */
  readonly own: ReadonlyMap<string, string>;
}

/**
 * Changes were judged when they were made, under the file of that time. What another file makes
 * contradictory is left out, as Kafka does it, so that the operator has a broker to mend it by.
 */
export function withDynamic(base: BrokerConfig, changes: DynamicChanges, log: Log): BrokerConfig {
  const { all, own } = changes;
  if (all.size + own.size === 0) return base;
  try {
    return base.withDynamic(all, own);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log.error(`changes made on the running cluster are left out: ${error.message}`);
    return base;
  }
}
