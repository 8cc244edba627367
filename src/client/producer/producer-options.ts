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

/** Options of a Producer, beside those of every client (ClientOptions). */
export interface ProducerOptions<Topics extends TopicTable = Untyped>
  extends ClientOptions,
    JavaProducerNames {
  /**
   * Who must have a record before it counts as delivered: `all` (-1) replicas in sync, the leader
   * alone (1), or nobody (0; then its offset is unknown). Default all.
   */
  readonly acks?: 'all' | '-1' | '0' | '1' | -1 | 0 | 1;
  /**
   * How long a batch waits for more records, in milliseconds, as in Java; 0 still joins those of
   * one turn of the event loop. Default: not at all while nothing is under way to the broker, and
   * else until that has arrived, at most 5 (as Nagle's algorithm does for TCP), so that a record
   * sent alone does not wait.
   */
  readonly lingerMs?: number;
  /** A batch that is this large is sent at once. Default 16 384. */
  readonly batchSizeBytes?: number;
  /**
   * The most bytes of records that are not delivered yet; beyond it `send` waits. Default 32 MiB.
   */
  readonly bufferMemoryBytes?: number;
  /**
   * How long `send` waits for room or for metadata, in milliseconds; calls about transactions, too.
   * Default 60 000.
   */
  readonly maxBlockMs?: number;
  /** The most bytes of one request, and of one record before it is compressed. Default 1 MiB. */
  readonly maxRequestSizeBytes?: number;
  /** The most requests under way to one broker. Default 5, the most that idempotence allows. */
  readonly maxInFlightRequestsPerConnection?: number;
  /**
   * Number the batches, so that a retry neither repeats records nor changes their order (KIP-98).
   * Default: true if acks is all, retries are not 0, and maxInFlightRequestsPerConnection is 5 or
   * less.
   */
  readonly enableIdempotence?: boolean;
  /** Attempts after the first. Default: as many as fit into deliveryTimeoutMs. */
  readonly retries?: number;
  /**
   * The time from `send` to success or failure, in milliseconds; at least lingerMs +
   * requestTimeoutMs. Default 120 000.
   */
  readonly deliveryTimeoutMs?: number;
  /** How batches are compressed. Default none. */
  readonly compressionType?: CompressionType;
  /** The level of gzip, lz4 or zstd. Default: the one of the codec itself. */
  readonly compressionLevel?: number;
  /**
   * The name under which this producer's transactions go, the same after every restart, and used by
   * one producer at a time: a newer one fences the older. Needed for transactions. Default: none.
   */
  readonly transactionalId?: string;
  /**
   * A transaction that is open for longer is aborted by its coordinator, in milliseconds. Default
   * 60 000.
   */
  readonly transactionTimeoutMs?: number;
  /**
   * Picks the partition of a record that names none: an object, or a function of the record and the
   * number of partitions. Default: Java's murmur2 of the key, and for records without a key one
   * partition after the other, a batch each (KIP-794).
   */
  readonly partitioner?: Partitioner | PartitionerFunction;
  /** The default partitioner does not look at keys. Default false. */
  readonly partitionerIgnoreKeys?: boolean;
  /** The default partitioner prefers partitions where less waits to be sent. Default true. */
  readonly partitionerAdaptivePartitioningEnable?: boolean;
  /**
   * Who sees every record before it is sent, and what became of it, in this order (KIP-42).
   * Default: nobody.
   */
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
