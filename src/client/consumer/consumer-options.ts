// What a consumer can be told, with Java's names in camelCase and Java's defaults.

import { ClientConfigError, type ClientOptions, type PropertyRule } from '../client-options.ts';
import type { JavaConsumerNames } from '../java-name-types.ts';
import type { IsolationLevel } from '../offset-queries.ts';
import { assertOptions } from '../option-checks.ts';
import { assertTopics, type TopicTable, type Untyped } from '../topics.ts';
import {
  type AssignorName,
  assertCustomAssignor,
  assignorNames,
  type ConsumerPartitionAssignor,
} from './assignors/index.ts';
import type { ConsumerInterceptor } from './consumer-interceptors.ts';
import { type AutoOffsetReset, parseAutoOffsetReset } from './offset-reset.ts';

export type GroupProtocol = 'classic' | 'consumer';

/** What becomes of a record that its serde refuses; a handler of `run` has onPoison for that. */
export type OnSerdeError = 'throw' | 'skip' | 'bytes';

/** Options of a Consumer, beside those of every client (ClientOptions). */
export interface ConsumerOptions<Topics extends TopicTable = Untyped>
  extends ClientOptions,
    JavaConsumerNames {
  /** Serdes and types by topic (`defineTopics`); records of other topics are bytes. */
  readonly topics?: Topics;
  /**
   * A record that its serde refuses: `throw` lets poll throw a SerdeError and leaves the position
   * at the record, `skip` logs it and goes on, `bytes` hands it out as bytes. Default throw.
   */
  readonly onSerdeError?: OnSerdeError;
  /** The broker answers a fetch when it has this many bytes, or after fetchMaxWaitMs. Default 1. */
  readonly fetchMinBytes?: number;
  /** How long the broker waits for fetchMinBytes, in milliseconds. Default 500. */
  readonly fetchMaxWaitMs?: number;
  /**
   * The most bytes one fetch brings; its first batch comes even if it is larger. Default 50 MiB.
   */
  readonly fetchMaxBytes?: number;
  /** The most bytes one fetch brings of one partition, in the same way. Default 1 MiB. */
  readonly maxPartitionFetchBytes?: number;
  /** The most records one `poll` returns. Default 500. */
  readonly maxPollRecords?: number;
  /**
   * The most bytes of batches, as they were fetched, whose records one `poll` returns; a batch
   * that was begun is not cut short. Default: no bound but maxPollRecords.
   */
  readonly maxPollBytes?: number;
  /**
   * The most bytes fetched and not yet handed out, over all partitions; a partition that has
   * nothing is still fetched. Default: no bound but two answers of maxPartitionFetchBytes each.
   */
  readonly maxBufferedBytes?: number;
  /**
   * Where to begin without a position, or when the position is gone: `earliest`, `latest`,
   * `by_duration:P1D` (not older than an ISO 8601 duration, KIP-1106), or `none`, with which `poll`
   * throws. Default latest.
   */
  readonly autoOffsetReset?: AutoOffsetReset;
  /**
   * `read_committed` hides records of transactions that were aborted or are not decided yet.
   * Default read_uncommitted.
   */
  readonly isolationLevel?: IsolationLevel;
  /** Check the CRC of what arrives. Default true. */
  readonly checkCrcs?: boolean;
  /**
   * Where this client is: lets the broker name a nearer replica (KIP-392), and assignors prefer
   * near partitions (KIP-881). Default: unknown.
   */
  readonly clientRack?: string;
  /** Whether the broker may create a topic that is asked for. Default true. */
  readonly allowAutoCreateTopics?: boolean;

  /** The name of the group: needed for `subscribe`, `run` and commits. Default: none. */
  readonly groupId?: string;
  /**
   * A name of this member that survives restarts (static membership, KIP-345): closing does not
   * leave the group. Default: none.
   */
  readonly groupInstanceId?: string;
  /**
   * `classic`: the leader of the group assigns partitions; `consumer`: the broker does (KIP-848).
   * Default classic.
   */
  readonly groupProtocol?: GroupProtocol;
  /**
   * With groupProtocol `consumer`: the broker's assignor, `uniform` or `range`. Default: the
   * broker's choice.
   */
  readonly groupRemoteAssignor?: string;
  /**
   * With groupProtocol `classic`: how the leader assigns partitions, the preferred way first, by
   * name or as objects of the program's own. Default range, cooperative-sticky.
   */
  readonly partitionAssignmentStrategy?: readonly (AssignorName | ConsumerPartitionAssignor)[];
  /**
   * A classic member that is not heard of for this long is out of the group, in milliseconds.
   * Default 45 000; with groupProtocol `consumer` the broker decides.
   */
  readonly sessionTimeoutMs?: number;
  /**
   * How often a classic member says that it is there, in milliseconds. Default 3000; with
   * groupProtocol `consumer` the broker decides.
   */
  readonly heartbeatIntervalMs?: number;
  /**
   * Without a `poll` for this long the member leaves the group, in milliseconds. Default 300 000.
   */
  readonly maxPollIntervalMs?: number;
  /**
   * Commit positions every autoCommitIntervalMs, before partitions are given up and at the end.
   * Default: true if there is a groupId. False for offsets that a transaction commits.
   */
  readonly enableAutoCommit?: boolean;
  /** How often positions are committed with enableAutoCommit, in milliseconds. Default 5000. */
  readonly autoCommitIntervalMs?: number;
  /** A RegExp given to `subscribe` does not match internal topics. Default true. */
  readonly excludeInternalTopics?: boolean;
  /**
   * Who sees records before the program does, and commits that were acknowledged (KIP-42). Default:
   * nobody.
   */
  readonly interceptors?: readonly ConsumerInterceptor[];
}

/** Options that no file of properties can hold, or that Java does not have. */
const namesWithoutProperty: readonly string[] = [
  'interceptors',
  'topics',
  'onSerdeError',
  'maxPollBytes',
  'maxBufferedBytes',
];

/** Options that have no default. */
type Optional = 'groupId' | 'groupInstanceId' | 'groupRemoteAssignor' | 'topics';

export type ResolvedConsumerOptions = Required<
  Omit<ConsumerOptions, keyof ClientOptions | keyof JavaConsumerNames | Optional>
> & {
  readonly [Name in Exclude<Optional, 'topics'>]: string | null;
} & { readonly topics: TopicTable | null };

export function resolveConsumerOptions(
  options: ConsumerOptions<TopicTable>,
): ResolvedConsumerOptions {
  assertOptions(options, consumerRules, namesWithoutProperty);
  if (options.topics !== undefined) assertTopics(options.topics);
  const resolved: ResolvedConsumerOptions = {
    fetchMinBytes: options.fetchMinBytes ?? 1,
    fetchMaxWaitMs: options.fetchMaxWaitMs ?? 500,
    fetchMaxBytes: options.fetchMaxBytes ?? 50 * 1024 * 1024,
    maxPartitionFetchBytes: options.maxPartitionFetchBytes ?? 1024 * 1024,
    maxPollRecords: Math.max(1, options.maxPollRecords ?? 500),
    autoOffsetReset: parseAutoOffsetReset('autoOffsetReset', options.autoOffsetReset ?? 'latest'),
    isolationLevel: options.isolationLevel ?? 'read_uncommitted',
    checkCrcs: options.checkCrcs ?? true,
    clientRack: options.clientRack ?? '',
    allowAutoCreateTopics: options.allowAutoCreateTopics ?? true,
    groupId: options.groupId ?? null,
    groupInstanceId: options.groupInstanceId ?? null,
    groupProtocol: options.groupProtocol ?? 'classic',
    groupRemoteAssignor: options.groupRemoteAssignor ?? null,
    partitionAssignmentStrategy: options.partitionAssignmentStrategy ?? [
      'range',
      'cooperative-sticky',
    ],
    sessionTimeoutMs: options.sessionTimeoutMs ?? 45_000,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 3000,
    maxPollIntervalMs: options.maxPollIntervalMs ?? 300_000,
    enableAutoCommit: options.enableAutoCommit ?? options.groupId !== undefined,
    autoCommitIntervalMs: options.autoCommitIntervalMs ?? 5000,
    excludeInternalTopics: options.excludeInternalTopics ?? true,
    interceptors: options.interceptors ?? [],
    topics: options.topics ?? null,
    onSerdeError: options.onSerdeError ?? 'throw',
    maxPollBytes: bytes('maxPollBytes', options.maxPollBytes),
    maxBufferedBytes: bytes('maxBufferedBytes', options.maxBufferedBytes),
  };
  assertConsistent(resolved, options);
  return resolved;
}

function bytes(name: string, given: number | undefined): number {
  if (given === undefined) return Number.POSITIVE_INFINITY;
  if (typeof given === 'number' && given > 0) return given;
  throw new ClientConfigError(`${name} is ${given}: expected a number of bytes above 0`);
}

function assertConsistent(
  resolved: ResolvedConsumerOptions,
  given: ConsumerOptions<TopicTable>,
): void {
  if (!['throw', 'skip', 'bytes'].includes(resolved.onSerdeError)) {
    const expected = 'expected throw, skip or bytes';
    throw new ClientConfigError(`onSerdeError is ${resolved.onSerdeError}: ${expected}`);
  }
  const { groupId, groupProtocol, sessionTimeoutMs, heartbeatIntervalMs } = resolved;
  if (groupId === '') throw new ClientConfigError('groupId is empty: give a name or leave it out');
  if (groupId === null && given.enableAutoCommit === true) {
    throw new ClientConfigError('enableAutoCommit is true: it needs a groupId');
  }
  if (given.groupInstanceId === '') {
    throw new ClientConfigError('groupInstanceId is empty: give a name or leave it out');
  }
  if (groupProtocol !== 'classic' && groupProtocol !== 'consumer') {
    throw new ClientConfigError(`groupProtocol is ${groupProtocol}: expected classic, consumer`);
  }
  if (groupProtocol === 'consumer') {
    const classicOnly = [
      'partitionAssignmentStrategy',
      'sessionTimeoutMs',
      'heartbeatIntervalMs',
    ] as const;
    for (const name of classicOnly) {
      if (given[name] === undefined) continue;
      const reason = 'the broker decides that with groupProtocol consumer';
      throw new ClientConfigError(`${name} is given: ${reason}, leave it out`);
    }
    return;
  }
  if (given.groupRemoteAssignor !== undefined) {
    throw new ClientConfigError('groupRemoteAssignor is given: it needs groupProtocol consumer');
  }
  for (const each of resolved.partitionAssignmentStrategy) {
    if (typeof each === 'string') assertAssignor(each);
    else assertCustomAssignor(each, assignorNames);
  }
  if (resolved.partitionAssignmentStrategy.length === 0) {
    throw new ClientConfigError('partitionAssignmentStrategy is empty: name at least one');
  }
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw new ClientConfigError(
      `heartbeatIntervalMs is ${heartbeatIntervalMs}: must be below sessionTimeoutMs ` +
        `(${sessionTimeoutMs})`,
    );
  }
}

function assertAssignor(name: string, key = 'partitionAssignmentStrategy'): AssignorName {
  const found = assignorNames.find((each) => each === name);
  if (found !== undefined) return found;
  throw new ClientConfigError(`${key} has "${name}": expected ${assignorNames.join(', ')}`);
}

/** Names and Java's class names, separated by commas. */
function parseAssignors(key: string, value: string): AssignorName[] {
  const list = value.split(',').map((each) => each.trim());
  return list
    .filter((each) => each !== '')
    .map((each) => {
      const className = /^org\.apache\.kafka\.clients\.consumer\.(\w+)Assignor$/.exec(each)?.[1];
      const name = className?.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase() ?? each;
      return assertAssignor(name === 'round-robin' ? 'roundrobin' : name, key);
    });
}

function parseGroupProtocol(key: string, value: string): GroupProtocol {
  const protocol = value.toLowerCase();
  if (protocol === 'classic' || protocol === 'consumer') return protocol;
  throw new ClientConfigError(`${key} is "${value}": expected one of classic, consumer`);
}

/** Java's property names of a consumer, beyond those of every client. */
export const consumerRules: Readonly<Record<string, PropertyRule>> = {
  'fetch.min.bytes': ['fetchMinBytes', 'number'],
  'fetch.max.wait.ms': ['fetchMaxWaitMs', 'number'],
  'fetch.max.bytes': ['fetchMaxBytes', 'number'],
  'max.partition.fetch.bytes': ['maxPartitionFetchBytes', 'number'],
  'max.poll.records': ['maxPollRecords', 'number'],
  'auto.offset.reset': ['autoOffsetReset', parseAutoOffsetReset],
  'isolation.level': ['isolationLevel', ['read_uncommitted', 'read_committed']],
  'check.crcs': ['checkCrcs', 'flag'],
  'client.rack': ['clientRack', 'text'],
  'allow.auto.create.topics': ['allowAutoCreateTopics', 'flag'],
  'group.id': ['groupId', 'text'],
  'group.instance.id': ['groupInstanceId', 'text'],
  'group.protocol': ['groupProtocol', parseGroupProtocol],
  'group.remote.assignor': ['groupRemoteAssignor', 'text'],
  'partition.assignment.strategy': ['partitionAssignmentStrategy', parseAssignors],
  'session.timeout.ms': ['sessionTimeoutMs', 'number'],
  'heartbeat.interval.ms': ['heartbeatIntervalMs', 'number'],
  'max.poll.interval.ms': ['maxPollIntervalMs', 'number'],
  'enable.auto.commit': ['enableAutoCommit', 'flag'],
  'auto.commit.interval.ms': ['autoCommitIntervalMs', 'number'],
  'exclude.internal.topics': ['excludeInternalTopics', 'flag'],
};

/** What no other client takes. */
export const consumerOptionNames: ReadonlySet<string> = new Set([
  ...Object.values(consumerRules).map(([name]) => name),
  ...namesWithoutProperty,
]);
