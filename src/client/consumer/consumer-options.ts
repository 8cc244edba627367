// What a consumer can be told, with Java's names in camelCase and Java's defaults.

import type { ClientOptions, PropertyRule } from '../client-options.ts';
import type { IsolationLevel } from '../offset-queries.ts';

export type AutoOffsetReset = 'earliest' | 'latest' | 'none';

export interface ConsumerOptions extends ClientOptions {
  /** The broker waits for this many bytes, or fetchMaxWaitMs. Default 1. */
  readonly fetchMinBytes?: number;
  /** Default 500. */
  readonly fetchMaxWaitMs?: number;
  /** The most one fetch brings, beyond the first batch. Default 50 MiB. */
  readonly fetchMaxBytes?: number;
  /** The same per partition. Default 1 MiB. */
  readonly maxPartitionFetchBytes?: number;
  /** The most one `poll` returns. Default 500. */
  readonly maxPollRecords?: number;
  /** Where to begin without a position, or when the position is gone. Default latest. */
  readonly autoOffsetReset?: AutoOffsetReset;
  /** read_committed hides aborted transactions and what is not decided. Default uncommitted. */
  readonly isolationLevel?: IsolationLevel;
  /** Check the CRC of what arrives. Default true. */
  readonly checkCrcs?: boolean;
  /** client.rack: lets the broker name a nearer replica. */
  readonly clientRack?: string;
}

export type ResolvedConsumerOptions = Required<Omit<ConsumerOptions, keyof ClientOptions>>;

export function resolveConsumerOptions(options: ConsumerOptions): ResolvedConsumerOptions {
  return {
    fetchMinBytes: options.fetchMinBytes ?? 1,
    fetchMaxWaitMs: options.fetchMaxWaitMs ?? 500,
    fetchMaxBytes: options.fetchMaxBytes ?? 50 * 1024 * 1024,
    maxPartitionFetchBytes: options.maxPartitionFetchBytes ?? 1024 * 1024,
    maxPollRecords: Math.max(1, options.maxPollRecords ?? 500),
    autoOffsetReset: options.autoOffsetReset ?? 'latest',
    isolationLevel: options.isolationLevel ?? 'read_uncommitted',
    checkCrcs: options.checkCrcs ?? true,
    clientRack: options.clientRack ?? '',
  };
}

/** Java's property names of a consumer, beyond those of every client. */
export const consumerRules: Readonly<Record<string, PropertyRule>> = {
  'fetch.min.bytes': ['fetchMinBytes', 'number'],
  'fetch.max.wait.ms': ['fetchMaxWaitMs', 'number'],
  'fetch.max.bytes': ['fetchMaxBytes', 'number'],
  'max.partition.fetch.bytes': ['maxPartitionFetchBytes', 'number'],
  'max.poll.records': ['maxPollRecords', 'number'],
  'auto.offset.reset': ['autoOffsetReset', ['earliest', 'latest', 'none']],
  'isolation.level': ['isolationLevel', ['read_uncommitted', 'read_committed']],
  'check.crcs': ['checkCrcs', 'flag'],
  'client.rack': ['clientRack', 'text'],
};
