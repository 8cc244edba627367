// What a producer can be told, with Java's names in camelCase and Java's defaults, and the checks
// that Java makes between options.

import { type CompressionCodec, compressionByName } from '../../protocol/index.ts';
import {
  ClientConfigError,
  type ClientOptions,
  optionsFromProperties,
  type PropertiesResult,
  type PropertyRule,
} from '../client-options.ts';
import type { JavaProducerNames } from '../java-name-types.ts';
import { assertOptions } from '../option-checks.ts';
import type { TopicTable, Untyped } from '../topics.ts';
import type { ProducerInterceptor } from './interceptors.ts';
import {
  assertPartitioner,
  BuiltInPartitioner,
  type Partitioner,
  type PartitionerFunction,
  partitionerOfClass,
} from './partitioners.ts';

export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface ProducerOptions<Topics extends TopicTable = Untyped>
  extends ClientOptions,
    JavaProducerNames {
  /** `all` (-1): the whole ISR; 1: the leader; 0: nobody, and offsets are unknown. Default all. */
  readonly acks?: 'all' | '-1' | '0' | '1' | -1 | 0 | 1;
  /**
   * How long a batch waits for more records, as in Java; 0 still joins those of one turn. Default:
   * not at all while nothing is under way to the broker, and else until that has arrived, at most
   * 5 (as Nagle's algorithm does for TCP), so that a record sent alone does not wait.
   */
  readonly lingerMs?: number;
  /** batch.size: a batch that is this large is sent at once. Default 16 384. */
  readonly batchSizeBytes?: number;
  /** buffer.memory: records not yet delivered; beyond it `send` waits. Default 32 MiB. */
  readonly bufferMemoryBytes?: number;
  /** How long `send` waits for memory or for metadata. Default 60 000. */
  readonly maxBlockMs?: number;
  /** max.request.size, before compression for a record. Default 1 MiB. */
  readonly maxRequestSizeBytes?: number;
  /** Requests under way per broker. Default 5, the most that idempotence allows. */
  readonly maxInFlightRequestsPerConnection?: number;
  /** Number the batches so that retries neither repeat nor reorder. Default: if acks is all. */
  readonly enableIdempotence?: boolean;
  /** Attempts after the first. Default: as many as fit into deliveryTimeoutMs. */
  readonly retries?: number;
  /** The time from `send` to success or failure. Default 120 000. */
  readonly deliveryTimeoutMs?: number;
  /** Default none. */
  readonly compressionType?: CompressionType;
  /** Of gzip, lz4 or zstd. Default: the codec's own. */
  readonly compressionLevel?: number;
  /**
   * The name under which this producer's transactions go, the same after every restart, and used
   * by one producer at a time: a newer one fences the older. Needed for transactions.
   */
  readonly transactionalId?: string;
  /** A transaction that is open for longer is aborted by its coordinator. Default 60 000. */
  readonly transactionTimeoutMs?: number;
  /**
   * Picks the partition of a record that names none: an object, or a function of the record and the
   * number of partitions. Default: Java's murmur2 of the key, and for records without a key one
   * partition after the other, a batch each (KIP-794).
   */
  readonly partitioner?: Partitioner | PartitionerFunction;
  /** partitioner.ignore.keys: the default partitioner does not look at keys. Default false. */
  readonly partitionerIgnoreKeys?: boolean;
  /**
   * partitioner.adaptive.partitioning.enable: the default partitioner prefers partitions where less
   * waits to be sent. Default true.
   */
  readonly partitionerAdaptivePartitioningEnable?: boolean;
  /** See every record before it is sent, and what became of it, in this order. */
  readonly interceptors?: readonly ProducerInterceptor[];
  /** Types and serdes by topic (`defineTopics`); other topics are refused. Default: all bytes. */
  readonly topics?: Topics;
}

export interface ResolvedProducerOptions {
  readonly acks: -1 | 0 | 1;
  readonly lingerMs: number;
  /** Whether a batch lingers although nothing is under way to its broker. */
  readonly lingersWhenIdle: boolean;
  readonly batchSizeBytes: number;
  readonly bufferMemoryBytes: number;
  readonly maxBlockMs: number;
  readonly maxRequestSizeBytes: number;
  readonly maxInFlight: number;
  readonly idempotent: boolean;
  readonly retries: number;
  readonly deliveryTimeoutMs: number;
  readonly compression: CompressionCodec;
  readonly compressionType: CompressionType;
  readonly compressionLevel: number | undefined;
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  /** null: the default. */
  readonly partitioner: Partitioner | PartitionerFunction | null;
  readonly ignoreKeys: boolean;
  readonly adaptive: boolean;
}

export function resolveProducerOptions(
  options: ProducerOptions<TopicTable>,
): ResolvedProducerOptions {
  assertOptions(options, producerRules, ['partitioner', 'interceptors', 'topics']);
  const { partitioner } = options;
  assertPartitioner(partitioner);
  const builtIn = partitioner instanceof BuiltInPartitioner ? partitioner : null;
  const acks = acksOf(options.acks ?? 'all');
  const maxInFlight = options.maxInFlightRequestsPerConnection ?? 5;
  const retries = options.retries ?? 0x7fff_ffff;
  const idempotent = options.enableIdempotence ?? (acks === -1 && maxInFlight <= 5 && retries > 0);
  if (idempotent) assertIdempotencePossible(acks, maxInFlight, retries);
  assertTransactionsPossible(options, idempotent);
  const compressionType = options.compressionType ?? 'none';
  assertLevelPossible(compressionType, options.compressionLevel);
  const lingerMs = options.lingerMs ?? 5;
  const deliveryTimeoutMs = options.deliveryTimeoutMs ?? 120_000;
  const deliveryMinMs = lingerMs + (options.requestTimeoutMs ?? 30_000);
  if (options.deliveryTimeoutMs !== undefined && deliveryTimeoutMs < deliveryMinMs) {
    throw new ClientConfigError(
      `deliveryTimeoutMs is ${deliveryTimeoutMs}: ` +
        `at least lingerMs + requestTimeoutMs = ${deliveryMinMs} is needed`,
    );
  }
  return {
    acks,
    lingerMs,
    lingersWhenIdle: options.lingerMs !== undefined,
    batchSizeBytes: Math.max(1, options.batchSizeBytes ?? 16_384),
    bufferMemoryBytes: options.bufferMemoryBytes ?? 32 * 1024 * 1024,
    maxBlockMs: options.maxBlockMs ?? 60_000,
    maxRequestSizeBytes: options.maxRequestSizeBytes ?? 1024 * 1024,
    maxInFlight,
    idempotent,
    retries,
    deliveryTimeoutMs: Math.max(deliveryTimeoutMs, deliveryMinMs),
    compression: compressionByName[compressionType] as CompressionCodec,
    compressionType,
    compressionLevel: options.compressionLevel,
    transactionalId: options.transactionalId ?? null,
    transactionTimeoutMs: options.transactionTimeoutMs ?? 60_000,
    partitioner: builtIn === null ? (partitioner ?? null) : null,
    ignoreKeys: options.partitionerIgnoreKeys ?? builtIn?.ignoreKeys ?? false,
    adaptive: options.partitionerAdaptivePartitioningEnable ?? builtIn?.adaptive ?? true,
  };
}

function acksOf(acks: NonNullable<ProducerOptions['acks']>): -1 | 0 | 1 {
  return acks === 'all' ? -1 : (Number(acks) as -1 | 0 | 1);
}

function assertIdempotencePossible(acks: number, maxInFlight: number, retries: number): void {
  const why =
    acks !== -1
      ? 'acks=all'
      : maxInFlight > 5
        ? 'maxInFlightRequestsPerConnection of at most 5'
        : retries === 0
          ? 'retries above 0'
          : null;
  if (why !== null) throw new ClientConfigError(`enableIdempotence needs ${why}`);
}

/** As Java's `compression.*.level`; -1 is gzip's own default. */
const levels: Partial<Record<CompressionType, readonly [min: number, max: number]>> = {
  gzip: [-1, 9],
  lz4: [1, 17],
  zstd: [-131_072, 22],
};

function assertLevelPossible(type: CompressionType, level: number | undefined): void {
  const range = levels[type];
  if (level === undefined || range === undefined) return;
  const [min, max] = range;
  if (Number.isInteger(level) && level >= min && level <= max) return;
  throw new ClientConfigError(
    `compressionLevel is ${level}: ${type} has whole numbers from ${min} to ${max}`,
  );
}

function assertTransactionsPossible(
  options: ProducerOptions<TopicTable>,
  idempotent: boolean,
): void {
  const { transactionalId, transactionTimeoutMs } = options;
  if (transactionalId === '') {
    throw new ClientConfigError('transactionalId is empty: give a name or leave it out');
  }
  if (transactionTimeoutMs !== undefined && !(transactionTimeoutMs > 0)) {
    throw new ClientConfigError(
      `transactionTimeoutMs is ${transactionTimeoutMs}: expected a time above 0`,
    );
  }
  if (transactionalId === undefined || idempotent) return;
  throw new ClientConfigError(
    'transactionalId needs enableIdempotence: acks=all, retries above 0, and ' +
      'maxInFlightRequestsPerConnection of at most 5',
  );
}

/** Java's property names of a producer, beyond those of every client. */
export const producerRules: Readonly<Record<string, PropertyRule>> = {
  acks: ['acks', ['all', '-1', '0', '1']],
  'linger.ms': ['lingerMs', 'number'],
  'batch.size': ['batchSizeBytes', 'number'],
  'buffer.memory': ['bufferMemoryBytes', 'number'],
  'max.block.ms': ['maxBlockMs', 'number'],
  'max.request.size': ['maxRequestSizeBytes', 'number'],
  'max.in.flight.requests.per.connection': ['maxInFlightRequestsPerConnection', 'number'],
  'enable.idempotence': ['enableIdempotence', 'flag'],
  retries: ['retries', 'number'],
  'delivery.timeout.ms': ['deliveryTimeoutMs', 'number'],
  'transactional.id': ['transactionalId', 'text'],
  'transaction.timeout.ms': ['transactionTimeoutMs', 'number'],
  'partitioner.class': ['partitioner', partitionerOfClass],
  'partitioner.ignore.keys': ['partitionerIgnoreKeys', 'flag'],
  'partitioner.adaptive.partitioning.enable': ['partitionerAdaptivePartitioningEnable', 'flag'],
  'compression.type': ['compressionType', ['none', 'gzip', 'snappy', 'lz4', 'zstd']],
  'compression.gzip.level': ['compressionLevel', 'number'],
  'compression.lz4.level': ['compressionLevel', 'number'],
  'compression.zstd.level': ['compressionLevel', 'number'],
};

/** Java's properties as options; of the levels only that of the codec in use counts, as in Java. */
export function producerOptionsFromProperties(
  properties: ReadonlyMap<string, string>,
): PropertiesResult<ProducerOptions> {
  const codec = properties.get('compression.type')?.trim().toLowerCase() ?? 'none';
  const counts = ([key]: readonly [string, string]): boolean =>
    !/^compression\.(gzip|lz4|zstd)\.level$/.test(key) || key === `compression.${codec}.level`;
  return optionsFromProperties(new Map([...properties].filter(counts)), producerRules);
}
